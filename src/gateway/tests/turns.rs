//! Costly checks take turns, and whoever is known does not wait for them.

use std::pin::pin;

use serde_json::json;
use tokio::select;

use super::scene::{Plan, Scene, key};
use crate::token::{Algorithm, KeyMaterial, KeySettings, new_signing_key};

#[tokio::test]
async fn a_known_token_does_not_wait_for_the_checks_of_others() {
    let es256 = KeySettings { algorithm: Algorithm::Es256, material: KeyMaterial::Private(new_signing_key().unwrap()), ..key("e1") };
    let scene = Scene::new(Plan { keys: vec![es256], ..Plan::default() }).await;
    let (known, fresh) = (scene.log_in("60241234", &json!({})).await, scene.log_in("60241235", &json!({})).await);
    let known = known.text("access_token");
    assert_eq!(scene.get(&known).await.status, 200);

    let somebody_elses = scene.shared.turns[0].lock().await;
    let fresh = fresh.text("access_token");
    let mut waiting = pin!(scene.get(&fresh));
    select! {
        biased;
        _ = &mut waiting => panic!("checked although it was not its turn"),
        answer = scene.get(&known) => assert_eq!(answer.status, 200),
    }
    drop(somebody_elses);
    assert_eq!(waiting.await.status, 200);
}

#[tokio::test]
async fn cheap_checks_wait_for_nobody() {
    let scene = Scene::new(Plan::default()).await;
    let fresh = scene.log_in("60241234", &json!({})).await.text("access_token");
    let _turn = scene.shared.turns[0].lock().await;
    assert_eq!(scene.get(&fresh).await.status, 200);
}
