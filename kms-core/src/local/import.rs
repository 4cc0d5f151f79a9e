//! Imports, as the owner of a key does them: parameters, wrapping, request.

use super::{Local, SeededRandom};
use crate::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use crate::crypto::AwsLc;
use crate::error::Result;
use crate::imported::{Wrapping, client};
use crate::key::{KeySpec, KeyUsage, Origin};
use crate::name::{KeyArn, MaterialId};
use crate::ops::{Response, create_key, get_parameters_for_import, import_key_material};
use crate::wire::EncryptedKeyMaterial;

/// What GetParametersForImport gave out, ready to wrap as often as wanted for a day.
#[derive(Clone, Debug)]
pub struct Parameters {
    wrapping: Wrapping,
    response: get_parameters_for_import::Response,
}

impl Parameters {
    /// What ImportKeyMaterial takes: the material does not expire, and the rest is as by default.
    ///
    /// # Panics
    /// When the material is too long to be wrapped so.
    pub fn wrap(&self, material: &[u8]) -> import_key_material::Request {
        let random = &mut SeededRandom::new(7);
        let public_key = &self.response.public_key.0;
        let wrapped = client::wrap(&AwsLc, self.wrapping, public_key, material, random);
        let wrapped = wrapped.expect("the material fits").into();
        let token = self.response.import_token.clone();
        import_key_material::Request::new(
            self.response.key_id,
            token,
            EncryptedKeyMaterial(wrapped),
        )
    }

    /// The answer itself.
    pub fn response(&self) -> &get_parameters_for_import::Response {
        &self.response
    }
}

impl Local {
    /// A new key without material, for that to be imported.
    ///
    /// # Panics
    /// When that fails.
    pub fn create_key_to_import(&mut self, spec: KeySpec, usage: KeyUsage) -> KeyArn {
        let request = create_key::Request {
            key_spec: Some(spec),
            key_usage: Some(usage),
            origin: Some(Origin::External),
            ..Default::default()
        };
        match self.call(request) {
            Ok(Response::CreateKey(made)) => made.key_metadata.arn,
            other => panic!("CreateKey answered {other:?}"),
        }
    }

    /// A new primary without material.
    ///
    /// # Panics
    /// When that fails.
    pub fn create_primary_to_import(&mut self) -> KeyArn {
        let request = create_key::Request {
            origin: Some(Origin::External),
            multi_region: true,
            ..Default::default()
        };
        match self.call(request) {
            Ok(Response::CreateKey(made)) => made.key_metadata.arn,
            other => panic!("CreateKey answered {other:?}"),
        }
    }

    /// Parameters to import material into a key in its Region, the usual way for symmetric keys.
    ///
    /// # Errors
    /// What the service answers.
    pub fn parameters(&mut self, key: KeyArn) -> Result<Parameters> {
        let wrapping = Wrapping {
            key: WrappingKeySpec::Rsa2048,
            algorithm: WrappingAlgorithm::RsaesOaepSha256,
        };
        self.parameters_for(key, wrapping)
    }

    /// Parameters to import material into a key in its Region.
    ///
    /// # Errors
    /// What the service answers.
    pub fn parameters_for(&mut self, key: KeyArn, wrapping: Wrapping) -> Result<Parameters> {
        let request = get_parameters_for_import::Request {
            key_id: key.into(),
            wrapping_algorithm: wrapping.algorithm,
            wrapping_key_spec: wrapping.key,
        };
        match self.call_in(key.region, request)? {
            Response::GetParametersForImport(response) => Ok(Parameters { wrapping, response }),
            other => panic!("GetParametersForImport answered {other:?}"),
        }
    }

    /// Imports material that has been wrapped.
    ///
    /// # Errors
    /// What the service answers.
    pub fn import(
        &mut self,
        key: KeyArn,
        request: import_key_material::Request,
    ) -> Result<MaterialId> {
        match self.call_in(key.region, request)? {
            Response::ImportKeyMaterial(response) => Ok(response.key_material_id),
            other => panic!("ImportKeyMaterial answered {other:?}"),
        }
    }
}
