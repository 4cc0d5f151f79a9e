//! Members that are numbers, each with its range, from the service model (AWS KMS API reference,
//! 2014-11-01).

use super::checked::number;
use super::shape::{Member, Problems};
use serde_json::Value;

macro_rules! number_member {
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                number(value, member, $min, $max, problems).map($name)
            }

            fn encode(&self) -> Option<Value> {
                Some(self.0.into())
            }
        }
    };
}

number_member! {
    /// How many items a page may have.
    Limit 1..=1000
}
number_member! {
    /// The length of a data key or of random bytes.
    NumberOfBytes 1..=1024
}
number_member! {
    /// A waiting period; the operation allows 7 to 30.
    PendingWindowInDays 1..=365
}
number_member! {
    /// A rotation period.
    RotationPeriodInDays 90..=2560
}
