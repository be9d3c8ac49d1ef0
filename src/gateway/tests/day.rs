use http::StatusCode;

use super::scene::{Jar, MINUTE, Plan, Scene};
use crate::gateway::Rotation;

/// How many browsers the normal run has; `MUNJIGI_BROWSERS` says another number.
const BROWSERS: u64 = 15;

/// A small generator (xorshift): every run has the same day.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A day of browsers that wake up, ask with several tabs, refresh by script, and do not hear every twentieth answer.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "a run on demand is for its figures")]
async fn nobody_is_thrown_out_in_a_day_of_lost_answers() {
    let browsers = std::env::var("MUNJIGI_BROWSERS").ok().and_then(|text| text.parse().ok()).unwrap_or(BROWSERS);
    let mut plan = Plan::default();
    plan.sessions.rotation = Rotation::Always;
    let scene = Scene::new(plan).await;
    let mut jars = Vec::new();
    for number in 0..browsers {
        jars.push(Jar::logged_in(&scene, &format!("{}", 60_240_000 + number), number % 2 == 0).await.0);
    }
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut asked, mut lost, mut thrown_out) = (0, 0, 0);
    // 96 quarters of an hour.
    for _ in 0..96 {
        scene.clock.advance(15 * MINUTE);
        for jar in &mut jars {
            // Asleep for a while, now and then for hours.
            if dice.below(3) == 0 {
                continue;
            }
            let tabs = 1 + dice.below(3);
            let shown = jar.clone();
            for tab in 0..tabs {
                // All tabs show what the browser had when they began.
                let (method, path) = if tab == 0 && dice.below(4) == 0 { ("POST", "/refresh") } else { ("GET", "/page") };
                let answer = scene.ask(shown.request(method, path), None).await;
                asked += 1;
                if answer.status == StatusCode::UNAUTHORIZED {
                    thrown_out += 1;
                }
                if dice.below(20) == 0 {
                    lost += 1;
                } else {
                    jar.learn(&answer);
                }
            }
        }
    }
    println!("{browsers} browsers, a day, {asked} requests, {lost} answers lost: {thrown_out} refused");
    assert!(lost > 0);
    assert_eq!(thrown_out, 0);
}
