//! Lists whose items come and go between two pages: no item is shown twice, and none that was there
//! all along is missed. A marker is good for the list that gave it out, and for no other.

mod lists;

use kms_core::ErrorCode;
use lists::{LISTS, List, World};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Change {
    /// One more item.
    Add,
    /// The item at this place, of those there are, goes.
    Remove(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![Just(Change::Add), (0_usize..40).prop_map(Change::Remove)]
}

/// Reads a list page by page while it changes; what was shown, and what was there all along.
fn read(
    list: &List,
    first: usize,
    limit: u32,
    changes: &[Vec<Change>],
) -> (Vec<String>, Vec<String>) {
    let mut world = World::new();
    let mut there: Vec<String> = (0..first).map(|_| (list.add)(&mut world)).collect();
    let mut throughout: BTreeSet<String> = there.iter().cloned().collect();
    let (mut shown, mut marker, mut between) = (Vec::new(), None, changes.iter());
    loop {
        let page = (list.page)(&mut world, Some(limit), marker).expect("a page");
        assert!(page.items.len() <= limit as usize, "{}: a page is too long", list.name);
        assert_eq!(page.truncated, page.next.is_some(), "{}", list.name);
        shown.extend(page.items);
        marker = page.next;
        if marker.is_none() {
            return (shown, throughout.into_iter().collect());
        }
        for change in between.next().into_iter().flatten() {
            match (change, list.remove) {
                (Change::Add, _) => there.push((list.add)(&mut world)),
                (Change::Remove(at), Some(remove)) if !there.is_empty() => {
                    let gone = there.remove(at % there.len());
                    remove(&mut world, &gone);
                    throughout.remove(&gone);
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_survive_what_happens_between_them(
        first in 1_usize..12,
        limit in 1_u32..4,
        changes in prop::collection::vec(prop::collection::vec(change(), 0..4), 0..8),
    ) {
        for list in LISTS {
            let (shown, throughout) = read(list, first, limit, &changes);
            let distinct: BTreeSet<_> = shown.iter().cloned().collect();
            prop_assert_eq!(distinct.len(), shown.len(), "{}: shown twice: {:?}", list.name, shown);
            for item in throughout {
                prop_assert!(distinct.contains(&item), "{}: {} is missed", list.name, item);
            }
        }
    }

    #[test]
    fn a_made_up_marker_is_no_marker(text in "[ -~]{1,60}") {
        let mut world = World::new();
        for list in LISTS {
            let error = (list.page)(&mut world, None, Some(text.clone())).expect_err("no marker");
            prop_assert_eq!(error.code, ErrorCode::InvalidMarker, "{}", list.name);
        }
    }
}

#[test]
fn a_marker_of_one_list_is_none_of_another() {
    let mut world = World::new();
    let markers: Vec<_> = LISTS
        .iter()
        .map(|list| {
            (list.add)(&mut world);
            (list.add)(&mut world);
            let page = (list.page)(&mut world, Some(1), None).expect("a page");
            page.next.unwrap_or_else(|| panic!("{} has a second page", list.name))
        })
        .collect();
    for (at, list) in LISTS.iter().enumerate() {
        for (from, marker) in markers.iter().enumerate() {
            let answer = (list.page)(&mut world, Some(1), Some(marker.clone()));
            let code = answer.err().map(|error| error.code);
            let expected = (at != from).then_some(ErrorCode::InvalidMarker);
            assert_eq!(code, expected, "{} with a marker of {}", list.name, LISTS[from].name);
        }
    }
}
