//! Names of Regions: new ones in the topology, known ones everywhere else.

use std::fmt;

use super::{Complaint, Kind};
use crate::nearest::suggestion;
use crate::session::Session;
use crate::value::{Data, Value};
use kms_core::name::AWS_REGIONS;

/// The name of a Region of the scenario's topology, such as `eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(String);

impl RegionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the KMS knows it.
    pub fn kms(&self) -> kms_core::name::RegionName {
        kms_core::name::RegionName::parse(&self.0).expect("checked when it was read")
    }
}

impl From<kms_core::name::RegionName> for RegionName {
    fn from(name: kms_core::name::RegionName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) struct NewRegion;
pub(crate) struct KnownRegion;

/// A Region that the topology introduces.
pub(crate) const NEW_REGION: NewRegion = NewRegion;
/// A Region of the topology.
pub(crate) const REGION: KnownRegion = KnownRegion;

impl Kind for NewRegion {
    type Value = RegionName;

    fn name(&self) -> String {
        "Region name".into()
    }

    fn parse(&self, value: &Value) -> Result<RegionName, Complaint> {
        let region = name(value)?;
        if AWS_REGIONS.contains(&region.as_str()) {
            return Ok(region);
        }
        let near = suggestion(region.as_str(), AWS_REGIONS.iter().copied());
        Err(Complaint::about(value, format!("there is no Region \"{region}\"{near}")))
    }
}

impl Kind for KnownRegion {
    type Value = RegionName;

    fn name(&self) -> String {
        "Region of the topology".into()
    }

    fn parse(&self, value: &Value) -> Result<RegionName, Complaint> {
        name(value)
    }

    fn check(&self, value: &Value, region: &RegionName, s: &Session) -> Result<(), Complaint> {
        if s.regions.contains(region) {
            return Ok(());
        }
        let near = suggestion(region.as_str(), s.regions.iter().map(RegionName::as_str));
        let message = format!("the Region \"{region}\" is not in topology.regions{near}");
        Err(Complaint::about(value, message))
    }
}

fn name(value: &Value) -> Result<RegionName, Complaint> {
    let Data::Text(text) = &value.data else {
        return Err(Complaint::expected(value, "the name of a Region in quotes"));
    };
    if kms_core::name::RegionName::parse(text).is_some() {
        return Ok(RegionName(text.clone()));
    }
    let message = format!("{text:?} is not the name of a Region; one looks like \"eu-west-1\"");
    Err(Complaint::about(value, message))
}
