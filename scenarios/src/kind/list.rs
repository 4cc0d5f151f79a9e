//! Lists of one kind, without duplicates.

use super::{Complaint, Kind};
use crate::session::Session;
use crate::value::{Data, Value};

/// A list with `min` to `max` different items.
pub(crate) struct List<K> {
    pub(crate) of: K,
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl<K: Kind<Value: PartialEq>> Kind for List<K> {
    type Value = Vec<K::Value>;

    fn name(&self) -> String {
        format!("list of: {}", self.of.name())
    }

    fn parse(&self, value: &Value) -> Result<Self::Value, Complaint> {
        let items = items(value)?;
        if !(self.min..=self.max).contains(&items.len()) {
            let (found, min, max) = (items.len(), self.min, self.max);
            let message = format!("this list has {found} items; it must have {min} to {max}");
            return Err(Complaint::about(value, message));
        }
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            let parsed = self.of.parse(item)?;
            if read.contains(&parsed) {
                return Err(Complaint::about(
                    item,
                    format!("{} is in this list twice", item.toml()),
                ));
            }
            read.push(parsed);
        }
        Ok(read)
    }

    fn check(&self, value: &Value, read: &Self::Value, session: &Session) -> Result<(), Complaint> {
        let mut pairs = items(value)?.iter().zip(read);
        pairs.try_for_each(|(item, parsed)| self.of.check(item, parsed, session))
    }
}

fn items(value: &Value) -> Result<&[Value], Complaint> {
    match &value.data {
        Data::List(items) => Ok(items),
        _ => Err(Complaint::expected(value, "a list in square brackets")),
    }
}
