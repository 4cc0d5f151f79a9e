//! Pages of lists: a marker names the last item shown, so that changes in between neither repeat nor
//! skip what was there all along.

use crate::error::{Error, ErrorCode, Result};
use crate::wire::{Limit, Marker};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How large pages are: what a request may ask for, and what it gets unless it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// The size unless said.
    pub default: u32,
    /// The largest size.
    pub most: u32,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Marker>,
}

/// How many items a request wants.
///
/// # Errors
/// `Validation` above the most.
pub fn size(limit: Option<Limit>, sizes: PageSize) -> Result<usize> {
    let asked = limit.map_or(sizes.default, |limit| limit.0);
    if asked > sizes.most {
        return Err(ErrorCode::Validation.says(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy \
             constraint: Member must have value less than or equal to {}",
            sizes.most
        )));
    }
    usize::try_from(asked).map_err(|_| invalid_marker())
}

/// The item a marker points behind. `list` tells the markers of different lists apart.
///
/// # Errors
/// `InvalidMarker` for what this list did not give out.
pub fn position<T>(
    marker: Option<&Marker>,
    list: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>> {
    let Some(marker) = marker else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(marker.as_str()).map_err(|_| invalid_marker())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid_marker())?;
    let item = text.strip_prefix(list).and_then(|rest| rest.strip_prefix('\n'));
    item.and_then(parse).map(Some).ok_or_else(invalid_marker)
}

/// The next items of a list, and a marker if there are more.
pub fn take<T>(
    mut items: impl Iterator<Item = T>,
    size: usize,
    list: &str,
    name: impl Fn(&T) -> String,
) -> Page<T> {
    let page: Vec<T> = items.by_ref().take(size).collect();
    let more = items.next().is_some();
    let last = page.last().filter(|_| more);
    let next =
        last.map(|item| Marker::from(URL_SAFE_NO_PAD.encode(format!("{list}\n{}", name(item)))));
    Page { items: page, next }
}

fn invalid_marker() -> Error {
    ErrorCode::InvalidMarker.says("The marker is not valid.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_over_changes() {
        let mut items: Vec<u32> = (0..10).collect();
        let page = take(items.iter(), 4, "numbers", ToString::to_string);
        assert_eq!(page.items, [&0, &1, &2, &3]);
        let at = position(page.next.as_ref(), "numbers", |text| text.parse::<u32>().ok()).unwrap();
        items.retain(|n| *n != 3 && *n != 4);
        let rest =
            take(items.iter().filter(|n| Some(**n) > at), 10, "numbers", ToString::to_string);
        assert_eq!(rest.items, [&5, &6, &7, &8, &9]);
        assert_eq!(rest.next, None);
    }

    #[test]
    fn a_marker_of_another_list_is_refused() {
        let page = take(0..10, 4, "numbers", u32::to_string);
        let marker = page.next.unwrap();
        let parse = |text: &str| text.parse::<u32>().ok();
        for (marker, list) in [(marker, "letters"), (Marker::from("%%"), "numbers")] {
            let error = position(Some(&marker), list, parse).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidMarker);
        }
    }
}
