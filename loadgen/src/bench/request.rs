//! The whole request: from the decision through the HSM to the answer, in the smallest shell.

use super::case::{Case, Deed};
use super::library::Call;
use entropy::SecureRandom;
use kms_core::crypto::{Algorithm, CryptoBackend, Production};
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::{Local, SeededRandom};
use kms_core::name::{KeyArn, RegionName};
use kms_core::ops::{
    Request, Response, decapsulate, decrypt, derive_shared_secret, encapsulate, encrypt,
    generate_data_key, generate_data_key_pair, generate_mac, generate_random, get_public_key, sign,
    verify,
};
use kms_core::wire::{DataKeyPairSpec, NumberOfBytes};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

type Shared = Rc<RefCell<Local>>;

/// The services of one backend, one a Region, each with a key of every kind it was asked for.
#[derive(Default)]
pub(super) struct Services {
    locals: BTreeMap<RegionName, Shared>,
    keys: BTreeMap<(KeySpec, &'static str), KeyArn>,
}

/// A request on a backend, ready to be timed; none when production would not ask that backend.
pub(super) fn call(
    case: &Case,
    backend: &dyn CryptoBackend,
    services: &mut Services,
) -> Option<Call> {
    let production = Production::named(backend.name())?;
    let spec = case.spec.unwrap_or(KeySpec::SymmetricDefault);
    let algorithm = case.algorithm.filter(|_| spec != KeySpec::SymmetricDefault);
    let by = algorithm.map(|algorithm| production.library(spec, algorithm));
    if by.is_some_and(|by| by.is_ok_and(|library| library.name() != backend.name())) {
        return None;
    }
    if case.deed == Deed::Generate && !generates(case, backend) {
        return None;
    }
    let local = services.local(spec, production)?;
    let request = request(case, &local, services)?;
    local.borrow_mut().set_random(Box::new(SecureRandom::default()));
    let (home, owner) = (home(spec)?, local.borrow().owner());
    let call = move || {
        let outcome = local.borrow_mut().outcome(home, &owner, black_box(&request));
        black_box(outcome).result.is_ok()
    };
    call().then(|| Box::new(call) as Call)
}

/// Whether production asks that backend for a data key pair: it goes on to the next when a library
/// lacks something of such keys.
fn generates(case: &Case, backend: &dyn CryptoBackend) -> bool {
    let Some(spec) = case.pair().map(DataKeyPairSpec::key_spec) else { return true };
    let mut algorithms = spec.algorithms().into_iter();
    backend.constant_time(spec) && algorithms.all(|algorithm| backend.supports(spec, algorithm))
}

/// SM2 keys are made in China alone.
fn home(spec: KeySpec) -> Option<RegionName> {
    RegionName::parse(if spec == KeySpec::Sm2 { "cn-north-1" } else { "us-east-1" })
}

impl Services {
    fn local(&mut self, spec: KeySpec, backend: Production) -> Option<Shared> {
        let home = home(spec)?;
        let made = self.locals.entry(home).or_insert_with(|| {
            let backend: Arc<dyn CryptoBackend> = Arc::new(backend);
            // How long a key is searched for differs from draw to draw, and is no part of a count.
            let local = Local::new(&[home], &backend, Box::new(SeededRandom::new(1)));
            Rc::new(RefCell::new(local))
        });
        Some(made.clone())
    }

    fn key(&mut self, local: &Shared, spec: KeySpec, usage: KeyUsage) -> KeyArn {
        let made = self.keys.entry((spec, usage.as_str()));
        *made.or_insert_with(|| local.borrow_mut().create_key_of(spec, usage))
    }
}

fn request(case: &Case, local: &Shared, services: &mut Services) -> Option<Request> {
    let message = || vec![6; case.bytes];
    let spec = case.spec.unwrap_or(KeySpec::SymmetricDefault);
    let mut key = |usage| services.key(local, spec, usage);
    let answer = |request: Request| local.borrow_mut().call(request).ok();
    Some(match (case.algorithm, case.deed) {
        (Some(Algorithm::Encryption(algorithm)), deed) => {
            let key = key(KeyUsage::EncryptDecrypt);
            let encryption_algorithm = Some(algorithm);
            let encrypt =
                encrypt::Request { encryption_algorithm, ..encrypt::Request::new(key, message()) };
            if deed == Deed::Encrypt {
                return Some(encrypt.into());
            }
            let Response::Encrypt(sealed) = answer(encrypt.into())? else { return None };
            let decrypt = decrypt::Request::new(sealed.ciphertext_blob);
            decrypt::Request { encryption_algorithm, key_id: Some(key.into()), ..decrypt }.into()
        }
        (Some(Algorithm::Signing(algorithm, _)), deed) => {
            let key = key(KeyUsage::SignVerify);
            let sign: Request = sign::Request::new(key, message(), algorithm).into();
            if deed == Deed::Sign {
                return Some(sign);
            }
            let Response::Sign(signed) = answer(sign)? else { return None };
            verify::Request::new(key, message(), algorithm, signed.signature).into()
        }
        (Some(Algorithm::Mac(algorithm)), _) => {
            let key = key(KeyUsage::GenerateVerifyMac);
            generate_mac::Request::new(key, message(), algorithm).into()
        }
        (Some(Algorithm::KeyAgreement), _) => {
            let key = key(KeyUsage::KeyAgreement);
            let public =
                get_public_key::Request { key_id: key.into(), grant_tokens: Default::default() };
            let Response::GetPublicKey(public) = answer(public.into())? else { return None };
            derive_shared_secret::Request::new(key, public.public_key).into()
        }
        (Some(Algorithm::Encapsulation), deed) => {
            let key = key(KeyUsage::EncapsulateDecapsulate);
            let encapsulate: Request = encapsulate::Request::new(key).into();
            if deed == Deed::Encapsulate {
                return Some(encapsulate);
            }
            let Response::Encapsulate(made) = answer(encapsulate)? else { return None };
            decapsulate::Request::new(key, made.shared_secret_ciphertext_blob).into()
        }
        (None, Deed::Random) => {
            let number_of_bytes = Some(NumberOfBytes(u32::try_from(case.bytes).ok()?));
            generate_random::Request { number_of_bytes, ..Default::default() }.into()
        }
        (None, _) => {
            let symmetric =
                services.key(local, KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
            match case.pair() {
                Some(pair) => generate_data_key_pair::Request::new(symmetric, pair).into(),
                None => generate_data_key::Request::new(symmetric).into(),
            }
        }
    })
}
