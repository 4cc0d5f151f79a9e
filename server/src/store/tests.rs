//! A store holds what was answered, opens only for who may open it, and forgets what was erased.

mod erasure;

use super::*;
use crate::engine::{Asker, Configuration, Engine, Worker};
use crate::identity::Identities;
use kms_core::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use kms_core::crypto::{Production, SecretBytes};
use kms_core::error::ErrorCode;
use kms_core::imported::{Wrapping, client};
use kms_core::key::Origin;
use kms_core::name::KeyArn;
use kms_core::ops::{
    Request, Response, create_alias, create_grant, create_key, decrypt, encrypt,
    get_parameters_for_import, import_key_material, replicate_key, rotate_key_on_demand,
    schedule_key_deletion,
};
use kms_core::policy::GrantOperation;
use kms_core::wire::{CiphertextBlob, EncryptedKeyMaterial, KeyRef, PendingWindowInDays};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// A folder of a test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("keyquake-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    fn store(&self) -> Result<Store, StoreError> {
        self.store_with(&RootKeySource::Beside)
    }

    fn store_with(&self, root_key: &RootKeySource) -> Result<Store, StoreError> {
        Store::open(&self.0, root_key, Arc::new(Production::default()))
    }

    fn engine(&self) -> Result<Arc<Engine>, StoreError> {
        let regions = REGIONS.map(region).to_vec();
        let configuration = Configuration { regions, ..Configuration::default() };
        Engine::open(configuration, self.store()?, &mut |_, _| {}).map(Arc::new)
    }

    /// A store in which there is something, closed.
    fn used() -> Folder {
        let folder = Folder::new();
        let engine = folder.engine().unwrap();
        create(&engine, create_key::Request::default());
        engine.close().unwrap();
        folder
    }

    /// Every byte of every file.
    fn bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn region(name: &str) -> RegionName {
    RegionName::parse(name).unwrap()
}

fn answer(engine: &Engine, at: &str, request: impl Into<Request>) -> kms_core::Result<Response> {
    let asker = Asker::new(Identities::development().first().clone());
    engine.answer(region(at), asker, &request.into()).result
}

fn home(engine: &Engine, request: impl Into<Request>) -> Response {
    answer(engine, REGIONS[0], request).expect("an answer")
}

fn create(engine: &Engine, request: create_key::Request) -> KeyArn {
    match home(engine, request) {
        Response::CreateKey(made) => made.key_metadata.arn,
        other => panic!("{other:?}"),
    }
}

fn seal(engine: &Engine, key: KeyArn, text: &[u8]) -> CiphertextBlob {
    match home(engine, encrypt::Request::new(key, text)) {
        Response::Encrypt(sealed) => sealed.ciphertext_blob,
        other => panic!("{other:?}"),
    }
}

fn opens(engine: &Engine, at: &str, blob: &CiphertextBlob, text: &[u8]) -> bool {
    match answer(engine, at, decrypt::Request::new(blob.clone())) {
        Ok(Response::Decrypt(opened)) => {
            opened.plaintext.is_some_and(|given| given.0.as_bytes() == text)
        }
        _ => false,
    }
}

/// A key whose material was imported and expires in a day.
fn import(engine: &Engine) -> KeyArn {
    let origin = Some(Origin::External);
    let key = create(engine, create_key::Request { origin, ..Default::default() });
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    let wrapping = Wrapping { key: WrappingKeySpec::Rsa2048, algorithm };
    let asked = get_parameters_for_import::Request {
        key_id: key.into(),
        wrapping_algorithm: wrapping.algorithm,
        wrapping_key_spec: wrapping.key,
    };
    let Response::GetParametersForImport(given) = home(engine, asked) else { panic!() };
    let (backend, random) = (Production::default(), &mut crate::random::random());
    let wrapped = client::wrap(&backend, wrapping, &given.public_key.0, &[9; 32], random).unwrap();
    let material = EncryptedKeyMaterial(wrapped.into());
    let request = import_key_material::Request::new(key, given.import_token, material);
    let expires = Some(engine.now().after(DAY));
    let model = Some(kms_core::wire::ExpirationModel::Expires);
    home(
        engine,
        import_key_material::Request { valid_to: expires, expiration_model: model, ..request },
    );
    key
}

#[test]
fn a_restart_changes_nothing() {
    let folder = Folder::new();
    let engine = folder.engine().unwrap();
    let multi_region = create_key::Request { multi_region: true, ..Default::default() };
    let primary = create(&engine, multi_region);
    let sealed = seal(&engine, primary, b"before");
    home(&engine, create_alias::Request::new("alias/kept", primary));
    home(&engine, rotate_key_on_demand::Request { key_id: primary.into() });
    let grantee = "arn:aws:iam::111122223333:role/reader";
    let decrypting = GrantOperation::parse("Decrypt");
    home(&engine, create_grant::Request::new(primary, grantee, decrypting));
    home(&engine, replicate_key::Request::new(primary, region(REGIONS[1])));
    import(&engine);
    let worker = Worker::start(engine.clone());
    drop(worker);
    let before = engine.fingerprint();
    engine.close().unwrap();
    drop(engine);
    let engine = folder.engine().unwrap();
    assert_eq!(engine.fingerprint(), before);
    assert!(opens(&engine, REGIONS[0], &sealed, b"before"));
    let by_alias = encrypt::Request::new(KeyRef::new("alias/kept"), *b"after");
    home(&engine, by_alias);
    engine.close().unwrap();
    assert_eq!(folder.store().unwrap().regions(), REGIONS.map(region));
}

#[test]
fn a_store_that_is_not_closed_has_everything_that_was_answered() {
    let folder = Folder::new();
    let engine = folder.engine().unwrap();
    let key = create(&engine, create_key::Request::default());
    let sealed = seal(&engine, key, b"text");
    let copy = Folder::new();
    std::fs::create_dir_all(&copy.0).unwrap();
    for (path, bytes) in folder.bytes() {
        let to = copy.0.join(path.file_name().unwrap());
        std::fs::copy(&path, &to).unwrap();
        // What a torn write leaves behind the last frame is not looked at.
        if to.extension().is_some_and(|extension| extension == "db-wal") {
            std::fs::write(&to, [&bytes[..], &[0x5a; 777]].concat()).unwrap();
        }
    }
    let after = copy.engine().unwrap();
    assert_eq!(after.fingerprint(), engine.fingerprint());
    assert!(opens(&after, REGIONS[0], &sealed, b"text"));
    after.close().unwrap();
    engine.close().unwrap();
}

#[test]
fn one_at_a_time() {
    let folder = Folder::used();
    let open = folder.store().unwrap();
    assert_eq!(folder.store().err(), Some(StoreError::InUse(folder.database())));
    drop(open);
    assert!(folder.store().is_ok());
}

#[test]
fn another_root_key_opens_nothing_and_changes_nothing() {
    let folder = Folder::used();
    let before = folder.bytes();
    let digits = |digit: &str| SecretBytes::from(digit.repeat(64).into_bytes());
    let other = RootKeySource::Digits("THE_KEY", digits("a"));
    let wrong = StoreError::WrongRootKey(folder.database());
    assert_eq!(folder.store_with(&other).err(), Some(wrong));
    let none = RootKeySource::File(folder.0.join("none"));
    let missing = StoreError::NoRootKey(folder.0.join("none"));
    assert_eq!(folder.store_with(&none).err(), Some(missing));
    for text in ["", "12", &"g".repeat(64), &"a".repeat(65), &"é".repeat(32)] {
        let source = RootKeySource::Digits("THE_KEY", SecretBytes::from(text.as_bytes().to_vec()));
        let malformed = StoreError::MalformedRootKey("THE_KEY".to_owned());
        assert_eq!(folder.store_with(&source).err(), Some(malformed), "{text:?}");
    }
    assert!(folder.bytes() == before, "a refusal changes nothing");
    assert!(folder.store().is_ok());
}

#[test]
fn a_root_key_may_come_from_elsewhere() {
    let folder = Folder::new();
    let digits = SecretBytes::from("0123456789abcdef".repeat(4).into_bytes());
    let source = RootKeySource::Digits("THE_KEY", digits);
    drop(folder.store_with(&source).unwrap());
    assert!(!folder.0.join(ROOT_KEY).exists());
    assert!(folder.store_with(&source).is_ok());
    assert_eq!(folder.store().err(), Some(StoreError::NoRootKey(folder.0.join(ROOT_KEY))));
}

#[cfg(unix)]
#[test]
fn a_root_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::used();
    let path = folder.0.join(ROOT_KEY);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&folder.database())), (0o600, 0o600));
    for open in [0o640, 0o604, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
        let refused = StoreError::OpenRootKey { path: path.clone(), mode: open };
        assert_eq!(folder.store().err(), Some(refused));
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(folder.store().is_ok());
}

#[test]
fn what_is_no_store_of_this_build_is_named() {
    let folder = Folder::used();
    let sql = |text: &str| Connection::open(folder.database()).unwrap().execute_batch(text);
    sql("PRAGMA user_version = 7").unwrap();
    let newer = StoreError::Schema { path: folder.database(), found: 7, known: 1 };
    assert_eq!(folder.store().err(), Some(newer));
    sql("PRAGMA user_version = 1; PRAGMA application_id = 9").unwrap();
    assert_eq!(folder.store().err(), Some(StoreError::Foreign(folder.database())));
    std::fs::write(folder.database(), "a text of somebody else, longer than a header is").unwrap();
    assert_eq!(folder.store().err(), Some(StoreError::Foreign(folder.database())));
}

/// Even the superuser makes nothing below a file.
#[test]
fn a_folder_that_cannot_be_made_or_written_is_said_with_what_would_be_right() {
    let folder = Folder::used();
    let said = |data: &Path| {
        let opened = Store::open(data, &RootKeySource::Beside, Arc::new(Production::default()));
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let right = "; --data names a folder that can be made and written";
    let below = folder.database().join("below");
    let refused = said(&below);
    assert!(refused.starts_with(&format!("cannot make or write {}: ", below.display())));
    assert!(refused.ends_with(right), "{refused}");
    if cfg!(target_os = "linux") {
        for (data, path) in [("/proc/nothing", "/proc/nothing"), ("/proc", "/proc/keyquake.db")] {
            let refused = said(Path::new(data));
            assert!(refused.starts_with(&format!("cannot make or write {path}: ")), "{refused}");
            assert!(refused.ends_with(right), "{refused}");
        }
    }
}

#[test]
fn other_regions_are_refused() {
    let folder = Folder::used();
    let regions = vec![region("us-west-2")];
    let configuration = Configuration { regions, ..Configuration::default() };
    let refused = Engine::open(configuration, folder.store().unwrap(), &mut |_, _| {}).err();
    let found = REGIONS.join(", ");
    assert_eq!(refused, Some(StoreError::OtherRegions { path: folder.database(), found }));
}

#[test]
fn whatever_is_damaged_is_said_in_one_sentence() {
    for (change, expected) in [
        ("DELETE FROM log WHERE region = 0 AND position = 1", "entry 1 of us-east-1 is missing"),
        ("UPDATE log SET entry = zeroblob(90) WHERE region = 1", "entry 1 of eu-west-1 is not"),
        ("DELETE FROM token", "has lost key token"),
        ("UPDATE token SET token = zeroblob(90)", "a key token of us-east-1 is not"),
        ("UPDATE region SET custody = zeroblob(90)", "the secrets of us-east-1 do not open"),
        ("DELETE FROM log WHERE region = 1", "the log of eu-west-1 is empty"),
    ] {
        let folder = Folder::used();
        Connection::open(folder.database()).unwrap().execute_batch(change).unwrap();
        let said = folder.engine().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("is damaged") && said.contains(expected), "{change}: {said}");
    }
}

#[test]
fn a_page_of_noise_is_noticed() {
    let folder = Folder::used();
    let whole = std::fs::read(folder.database()).unwrap();
    const PAGE: usize = 4096;
    let mut noticed = 0;
    for page in 0..whole.len() / PAGE {
        let mut broken = whole.clone();
        broken[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        std::fs::write(folder.database(), broken).unwrap();
        // A page that nothing is on is no loss: the store opens with all there was, or not at all.
        noticed += u32::from(folder.engine().map(|engine| engine.close()).is_err());
    }
    assert!(noticed >= 4, "{noticed} of {} pages", whole.len() / PAGE);
    std::fs::write(folder.database(), &whole).unwrap();
    assert!(folder.engine().is_ok());
}

#[test]
fn a_disk_that_is_full_ends_in_errors_and_loses_nothing() {
    let folder = Folder::used();
    let store = folder.store().unwrap();
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages + 4).unwrap();
    let engine = Engine::open(Configuration::default(), store, &mut |_, _| {}).unwrap();
    let mut made = Vec::new();
    let refused = loop {
        match answer(&engine, REGIONS[0], create_key::Request::default()) {
            Ok(Response::CreateKey(key)) => made.push(key.key_metadata.arn),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code, ErrorCode::KmsInternal);
    assert!(answer(&engine, REGIONS[0], create_key::Request::default()).is_err());
    assert!(matches!(engine.close(), Err(StoreError::Failed { .. })));
    drop(engine);
    let engine = folder.engine().unwrap();
    made.iter().for_each(|key| drop(seal(&engine, *key, b"kept")));
}

#[test]
fn the_last_use_of_a_key_is_written_down_when_the_worker_ends() {
    let folder = Folder::new();
    let engine = folder.engine().unwrap();
    let key = create(&engine, create_key::Request::default());
    let worker = Worker::start(engine.clone());
    seal(&engine, key, b"text");
    drop(worker);
    engine.close().unwrap();
    let store = folder.store().unwrap();
    let loaded = store.load(0, &Default::default(), &mut || ()).unwrap();
    let last = loaded.kms.state().last_use(key.id).expect("a use");
    assert_eq!(last.operation.name(), "Encrypt");
}
