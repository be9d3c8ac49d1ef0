use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::store::contract::hold_to_contract;

fn empty() -> (Arc<dyn Store>, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let store = Sqlite::open(Settings::new(place.path().join("munjigi.db"))).unwrap();
    (Arc::new(store), place)
}

mod contract {
    use super::{empty, hold_to_contract};

    hold_to_contract!(empty);
}
