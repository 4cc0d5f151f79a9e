//! Deletion is erasure: of a key token that is gone, no byte is left in any file of the folder.
//!
//! AWS KMS deletes a key's material for good when the waiting period is over. SQLite overwrites what it
//! deletes, but whenever pages of a table split or merge, rows move and leave copies in the gaps.

use super::*;
use kms_core::env::{Site, draw};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use kms_core::name::{KeyId, MaterialId, TokenId};
use kms_core::token::{DomainEpoch, KeyToken, TokenChange, TokenKind};
use std::collections::{BTreeMap, HashSet};

/// So many random bytes in a row are nowhere by chance.
const PART: usize = 16;

/// Sixteen bytes of a key token.
type Part = [u8; PART];

/// What a key token is cut into.
fn parts(token: &KeyToken) -> impl Iterator<Item = Part> {
    token.sealed.as_chunks().0.iter().copied()
}

/// Which of these parts are somewhere in some file of a folder.
fn found(folder: &Folder, wanted: &HashSet<Part>) -> HashSet<Part> {
    // Two bytes tell nearly always that nothing wanted begins here.
    let mut begins = vec![false; 1 << 16];
    wanted.iter().for_each(|part| begins[start(part)] = true);
    let files = folder.bytes();
    let windows = files.iter().flat_map(|(_, file)| file.array_windows::<PART>());
    let windows = windows.filter(|window| begins[start(window)] && wanted.contains(*window));
    windows.copied().collect()
}

fn start(part: &Part) -> usize {
    usize::from(u16::from_be_bytes([part[0], part[1]]))
}

fn all_parts<'t>(tokens: impl IntoIterator<Item = &'t KeyToken>) -> HashSet<Part> {
    tokens.into_iter().flat_map(parts).collect()
}

/// Every key token of the first Region.
fn stored_tokens(folder: &Folder) -> Vec<KeyToken> {
    let store = folder.store().unwrap();
    let mut select = store.connection.prepare("SELECT token FROM token WHERE region = 0").unwrap();
    let rows = select.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let read = |stored: &[u8]| store.scribe(region(REGIONS[0])).read_token(stored).unwrap();
    rows.map(|row| read(&row.unwrap())).collect()
}

/// Draws what happens to key tokens next.
struct Drawn {
    random: SeededRandom,
    live: BTreeMap<TokenId, Arc<KeyToken>>,
    /// Every form that tokens had before they were erased.
    gone: HashSet<Part>,
    /// Every form that those had that are still there.
    former: BTreeMap<TokenId, HashSet<Part>>,
}

impl Drawn {
    fn new(seed: u64) -> Drawn {
        let random = SeededRandom::new(seed);
        Drawn { random, live: BTreeMap::new(), gone: HashSet::new(), former: BTreeMap::new() }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        draw(&mut self.random, Site::CallerBytes)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(u16::from_be_bytes(self.bytes())) % limit
    }

    /// A token of any length: long ones among short ones make SQLite rebuild pages whole, which is
    /// when copies stay in the gaps. The longest lie outside the pages of the table.
    fn token(&mut self, id: TokenId, epoch: u32) -> Arc<KeyToken> {
        let length = 48 + [self.below(200), self.below(900), 2392][self.below(3)];
        let mut sealed = vec![0; length];
        self.random.fill(Site::CallerBytes, &mut sealed);
        let token = Arc::new(KeyToken {
            id,
            epoch: DomainEpoch(epoch),
            key: KeyId::single_region(id.0),
            material: MaterialId(self.bytes()),
            kind: TokenKind::BackingKey(KeySpec::SymmetricDefault),
            iv: self.bytes(),
            sealed: sealed.into(),
        });
        self.former.entry(id).or_default().extend(parts(&token));
        self.live.insert(id, token.clone());
        token
    }

    /// A new token, or one that is there under the next domain key.
    fn growth(&mut self) -> TokenChange {
        let which = self.below(2 * self.live.len() + 1);
        let (id, epoch) = match self.live.values().nth(which) {
            Some(token) => (token.id, token.epoch.0 + 1),
            None => (TokenId(self.bytes()), 1),
        };
        match (self.token(id, epoch), epoch) {
            (token, 1) => TokenChange::Put(token),
            (token, _) => TokenChange::Reencrypt(token),
        }
    }

    fn erasure(&mut self) -> TokenChange {
        let which = self.below(self.live.len());
        let id = self.live.keys().nth(which).copied().expect("a token");
        self.live.remove(&id);
        self.gone.extend(self.former.remove(&id).into_iter().flatten());
        TokenChange::Erase(id)
    }
}

/// Key tokens of every size come, are re-encrypted and go, as the journal writes them.
#[test]
fn nothing_is_left_of_what_the_journal_erased() {
    for seed in 1..=3 {
        let folder = Folder::used();
        let journal = folder.store().unwrap().into_journal();
        let mut drawn = Drawn::new(seed);
        let write = |tokens| {
            let write = Write { region: region(REGIONS[0]), entry: None, tokens };
            journal.wait(journal.submit(write)).unwrap();
        };
        for round in 0..4 {
            (0..100).for_each(|_| write(vec![drawn.growth(), drawn.growth()]));
            let live = all_parts(drawn.live.values().map(|token| &**token));
            // A long token goes on in another page, and one part lies across the gap.
            let unseen = live.len() - found(&folder, &live).len();
            assert!(unseen <= drawn.live.len(), "{unseen} unseen; seed {seed}, round {round}");
            let doomed = drawn.live.len() / 2;
            write((0..doomed).map(|_| drawn.erasure()).collect());
            let left = found(&folder, &drawn.gone).len();
            assert_eq!(left, 0, "of {}; seed {seed}, round {round}", drawn.gone.len());
        }
        journal.close().unwrap();
        assert!(drawn.gone.len() > 1000, "seed {seed} erased enough to see");
        assert!(found(&folder, &drawn.gone).is_empty(), "seed {seed}, closed");
    }
}

#[test]
fn a_deleted_key_is_nowhere_when_its_window_is_over() {
    let folder = Folder::new();
    let engine = folder.engine().unwrap();
    let keys = [(); 6].map(|()| create(&engine, create_key::Request::default()));
    let kept = seal(&engine, keys[0], b"kept");
    engine.close().unwrap();
    drop(engine);
    let before = stored_tokens(&folder);
    assert_eq!(before.len(), keys.len());
    let doomed: Vec<_> = keys.iter().skip(1).step_by(2).map(|key| key.id).collect();
    let erased = all_parts(before.iter().filter(|token| doomed.contains(&token.key)));
    let engine = folder.engine().unwrap();
    for key in &doomed {
        let pending_window_in_days = Some(PendingWindowInDays(7));
        let request =
            schedule_key_deletion::Request { key_id: (*key).into(), pending_window_in_days };
        home(&engine, request);
    }
    drop(Worker::start(engine.clone()));
    assert!(found(&folder, &erased) == erased, "until the window is over");
    engine.advance_clock(8 * DAY);
    drop(Worker::start(engine.clone()));
    assert!(found(&folder, &erased).is_empty(), "while the server runs");
    engine.close().unwrap();
    drop(engine);
    assert!(found(&folder, &erased).is_empty(), "and when it has ended");
    assert_eq!(stored_tokens(&folder).len(), keys.len() - doomed.len());
    assert!(opens(&folder.engine().unwrap(), REGIONS[0], &kept, b"kept"));
}

#[test]
fn imported_material_expires_by_the_clock_of_the_host_even_if_nothing_runs() {
    let folder = Folder::new();
    let engine = folder.engine().unwrap();
    let key = import(&engine);
    let sealed = seal(&engine, key, b"text");
    engine.close().unwrap();
    drop(engine);
    let material = all_parts(&stored_tokens(&folder));
    assert!(found(&folder, &material) == material);
    let engine = folder.engine().unwrap();
    engine.advance_clock(DAY + Duration::from_secs(1));
    drop(Worker::start(engine.clone()));
    let refused = answer(&engine, REGIONS[0], decrypt::Request::new(sealed)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::KmsInvalidState);
    engine.close().unwrap();
    assert!(found(&folder, &material).is_empty());
}
