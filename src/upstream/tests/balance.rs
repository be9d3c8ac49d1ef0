use std::sync::Arc;

use tokio::join;

use super::support::*;
use crate::upstream::{Address, Balancing, Endpoints, SendError, Settings, Upstream};
use crate::web::RequestBody;

fn balanced(origins: &[Origin], by: Balancing) -> Arc<Upstream> {
    let endpoints: Vec<Address> = origins.iter().map(|origin| at(origin.address)).collect();
    Arc::new(Upstream::new(Settings { balancing: by, ..settings(endpoints) }, &Endpoints::new(2)).unwrap())
}

/// A request that is not answered yet: which of the origins got it, and its end there.
async fn hanging(upstream: &Arc<Upstream>, origins: &[Origin; 2]) -> (usize, Peer<'static>) {
    let request = sending(upstream, get());
    let (at, mut peer) = tokio::select! {
        peer = origins[0].accept() => (0, peer),
        peer = origins[1].accept() => (1, peer),
    };
    peer.head().await;
    drop(tokio::spawn(request));
    (at, peer)
}

#[tokio::test]
async fn the_endpoint_with_the_fewest_requests_is_chosen() {
    let origins = [Origin::new().await, Origin::new().await];
    let upstream = balanced(&origins, Balancing::LeastRequests);
    let (busy, first) = hanging(&upstream, &origins).await;
    let (other, mut second) = hanging(&upstream, &origins).await;
    assert_ne!(busy, other);
    second.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    second.closed().await;
    // Round robin would go to the busy one at every other turn; another worker's requests count too.
    for worker in [0, 1, 0, 1] {
        let (got, ()) = join!(upstream.send(get(), worker), async {
            let mut peer = origins[other].accept().await;
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        });
        read(got.unwrap()).await.unwrap();
    }
    assert_eq!(upstream.endpoints()[busy].counters().opened, 1);
    drop(first);
}

#[tokio::test]
async fn equals_take_turns() {
    let origins = [Origin::new().await, Origin::new().await];
    let upstream = balanced(&origins, Balancing::LeastRequests);
    for _ in 0..4 {
        let answer = async {
            let mut peer = tokio::select! { peer = origins[0].accept() => peer, peer = origins[1].accept() => peer };
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        };
        let (got, ()) = join!(upstream.send(get(), 0), answer);
        read(got.unwrap()).await.unwrap();
    }
    assert_eq!(upstream.endpoints().iter().map(|endpoint| endpoint.counters().opened).collect::<Vec<_>>(), [2, 2]);
}

/// A process that hangs takes connections all the same: the system does.
#[tokio::test]
async fn an_endpoint_that_answers_nothing_is_left_alone() {
    let origins = [Origin::new().await, Origin::new().await];
    let upstream = balanced(&origins, Balancing::RoundRobin);
    let mut lost = 0;
    for _ in 0..12 {
        let serve = async {
            tokio::select! {
                // The connection goes down without a word.
                peer = origins[0].accept() => { let mut peer = peer; peer.head().await; },
                peer = origins[1].accept() => {
                    let mut peer = peer;
                    peer.head().await;
                    peer.write("HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
                },
            }
        };
        match join!(upstream.send(request("POST", RequestBody::empty()), 0), serve).0 {
            Ok(answer) => assert_eq!(read(answer).await.unwrap().status, 500, "whatever it answers, it answers"),
            Err(SendError::Broken { .. }) => lost += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(lost, 3);
    assert!(upstream.endpoints()[0].is_resting() && !upstream.endpoints()[1].is_resting());
}
