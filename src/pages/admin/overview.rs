use askama::Template;

use super::plot::{Figures, Plot};
use super::{Console, Frame, Here, around, grouped};
use crate::base::Timestamp;
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::time;
use crate::pages::{Lang, Pages};

/// What goes on: the last hours as plots and as a table, and the requests of each route.
#[derive(Clone, Copy, Debug)]
pub struct OverviewPage<'a> {
    /// Where we are.
    pub console: Console<'a>,
    /// Sessions alive now.
    pub live_sessions: u64,
    /// The last hours, oldest first, at most [`OverviewPage::MOST_HOURS`].
    pub hours: &'a [Hour],
    /// Requests since the start, for each route, at most [`OverviewPage::MOST_ROUTES`].
    pub routes: &'a [RouteFigures<'a>],
}

impl OverviewPage<'_> {
    /// Hours shown: a day.
    pub const MOST_HOURS: usize = 24;
    /// Routes shown: as many as keep the page small. The rest belongs into one row of its own.
    pub const MOST_ROUTES: usize = 6;
}

/// The figures of one hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hour {
    /// When it began.
    pub start: Timestamp,
    /// Logins accepted.
    pub logins: u64,
    /// Logins refused or throttled.
    pub refusals: u64,
    /// Sessions alive at its end.
    pub sessions: u64,
    /// What the account system took to answer in the middle, in milliseconds; `None` when it was not asked.
    pub latency_median: Option<u64>,
    /// What it took at most in 95 of 100 cases.
    pub latency_slow: Option<u64>,
}

/// The requests of one route by the class of their status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteFigures<'a> {
    /// Host and path of the route; nothing for all others together.
    pub route: &'a str,
    /// 1xx and 2xx.
    pub fine: u64,
    /// 3xx
    pub redirected: u64,
    /// 4xx
    pub refused: u64,
    /// 5xx
    pub failed: u64,
}

struct HourShown<'a> {
    hour: &'a Hour,
    start: String,
    median: String,
    slow: String,
}

struct RouteShown<'a> {
    route: &'a str,
    counts: [String; 4],
    shares: Vec<Share>,
}

/// A part of a bar that is 100 wide.
struct Share {
    class: &'static str,
    from: u64,
    wide: u64,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    c: Frame<'a>,
    live_sessions: String,
    logins: String,
    refusals: String,
    latency: String,
    plots: [Plot; 3],
    hours: Vec<HourShown<'a>>,
    routes: Vec<RouteShown<'a>>,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &OverviewPage<'_>) -> String {
    let t = Texts::of(lang);
    let newest = page.hours.len().saturating_sub(OverviewPage::MOST_HOURS);
    let hours = page.hours.get(newest..).unwrap_or_default();
    let milliseconds = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let shown = |hour| HourShown {
        hour,
        start: time::hour(&pages.zone, hour.start),
        median: milliseconds(hour.latency_median),
        slow: milliseconds(hour.latency_slow),
    };
    let (s, c) = around(pages, lang, &page.console, (Here::Overview, t.admin.overview), &[]);
    document(&Document {
        s,
        t,
        c,
        live_sessions: grouped(page.live_sessions),
        logins: grouped(hours.iter().map(|hour| hour.logins).fold(0, u64::saturating_add)),
        refusals: grouped(hours.iter().map(|hour| hour.refusals).fold(0, u64::saturating_add)),
        latency: milliseconds(hours.iter().rev().find_map(|hour| hour.latency_median)),
        plots: plots(pages, t, hours),
        hours: hours.iter().map(shown).collect(),
        routes: page.routes.iter().take(OverviewPage::MOST_ROUTES).map(|figures| route_shown(figures, t)).collect(),
    })
}

fn plots(pages: &Pages, t: &'static Texts, hours: &[Hour]) -> [Plot; 3] {
    let labels: Vec<String> = hours.iter().map(|hour| time::hour(&pages.zone, hour.start)).collect();
    let series = |name: &'static str, value: fn(&Hour) -> Option<u64>| Figures { name, values: hours.iter().map(value).collect() };
    let a = &t.admin;
    let logins = vec![series(a.logins, |hour| Some(hour.logins)), series(a.refusals, |hour| Some(hour.refusals))];
    let sessions = vec![series(a.live_sessions, |hour| Some(hour.sessions))];
    let latency = vec![series(a.latency_median, |hour| hour.latency_median), series(a.latency_slow, |hour| hour.latency_slow)];
    [
        Plot::new(a.plot_logins, true, logins, &labels),
        Plot::new(a.live_sessions, false, sessions, &labels),
        Plot::new(a.plot_latency, false, latency, &labels),
    ]
}

fn route_shown<'a>(figures: &RouteFigures<'a>, t: &'static Texts) -> RouteShown<'a> {
    let parts = [("k0", figures.fine), ("k1", figures.redirected), ("k2", figures.refused), ("k3", figures.failed)];
    let all = parts.iter().map(|(_, value)| u128::from(*value)).sum::<u128>().max(1);
    let place = |sum: u128| u64::try_from(sum * 100 / all).unwrap_or(100);
    let mut sum = 0_u128;
    let mut shares = Vec::with_capacity(parts.len());
    for (class, value) in parts {
        let from = place(sum);
        sum += u128::from(value);
        let wide = place(sum) - from;
        if wide > 0 {
            shares.push(Share { class, from, wide });
        }
    }
    let route = if figures.route.is_empty() { t.admin.other_routes } else { figures.route };
    RouteShown { route, counts: parts.map(|(_, value)| grouped(value)), shares }
}
