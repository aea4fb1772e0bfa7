//! Accounts in a directory, a file each, with the version before the account. It answers without a pause, since some tests count
//! on who comes first; what pauses do is the business of `stores`.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reference_server::account::{Account, AccountId, TokenHash};
use reference_server::ports::{Committed, Store, StoreError, Versioned};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Serialize, Deserialize)]
struct Row {
    version: u64,
    /// Place in the order of insertion.
    nth: usize,
    account: Account,
}

/// One process writes at a time; what is compared is the version in the file.
pub(crate) struct FileStore {
    directory: TempDir,
    writing: Mutex<()>,
}

fn fault(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}

impl FileStore {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            writing: Mutex::default(),
        }
    }

    fn path(&self, id: &AccountId) -> PathBuf {
        self.directory.path().join(&*id.0)
    }

    fn read(&self, id: &AccountId) -> Result<Option<Row>, StoreError> {
        let path = self.path(id);
        if !path.exists() {
            return Ok(None);
        }
        serde_json::from_slice(&fs::read(path).map_err(fault)?)
            .map(Some)
            .map_err(fault)
    }

    fn write(&self, row: &Row) -> Result<(), StoreError> {
        let written = self.directory.path().join("new");
        fs::write(&written, serde_json::to_vec(row).map_err(fault)?).map_err(fault)?;
        fs::rename(written, self.path(&row.account.id)).map_err(fault)
    }

    fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for entry in fs::read_dir(self.directory.path()).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name().into_string().unwrap();
            if name != "new" {
                rows.extend(self.read(&AccountId(name.into()))?);
            }
        }
        rows.sort_unstable_by_key(|row| row.nth);
        Ok(rows)
    }

    fn find(&self, which: impl Fn(&Account) -> bool) -> Result<Option<AccountId>, StoreError> {
        let found = self.rows()?.into_iter().find(|row| which(&row.account));
        Ok(found.map(|row| row.account.id))
    }
}

#[async_trait]
impl Store for FileStore {
    async fn insert(&self, account: Account) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().unwrap();
        let rows = self.rows()?;
        let free = rows.iter().all(|row| row.account.email != account.email);
        if free {
            self.write(&Row {
                version: 0,
                nth: rows.len(),
                account,
            })?;
        }
        Ok(free)
    }

    async fn by_email(&self, email: &str) -> Result<Option<AccountId>, StoreError> {
        self.find(|account| account.email == email)
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<AccountId>, StoreError> {
        self.find(|account| account.tokens().any(|held| held == *token))
    }

    async fn load(&self, id: &AccountId) -> Result<Option<Versioned>, StoreError> {
        Ok(self.read(id)?.map(|row| Versioned {
            account: Arc::new(row.account),
            version: row.version,
        }))
    }

    async fn commit(&self, changed: Versioned) -> Result<Committed, StoreError> {
        let _writing = self.writing.lock().unwrap();
        let Some(kept) = self.read(&changed.account.id)?.filter(|kept| kept.version == changed.version) else {
            return Ok(Committed::Conflict);
        };
        self.write(&Row {
            version: kept.version + 1,
            nth: kept.nth,
            account: Account::clone(&changed.account),
        })?;
        Ok(Committed::Kept)
    }

    async fn ids(&self, from: usize, most: usize) -> Result<Vec<AccountId>, StoreError> {
        let rows = self.rows()?.into_iter().skip(from).take(most);
        Ok(rows.map(|row| row.account.id).collect())
    }

    async fn count(&self) -> Result<usize, StoreError> {
        Ok(self.rows()?.len())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap();
        for row in self.rows()? {
            fs::remove_file(self.path(&row.account.id)).map_err(fault)?;
        }
        Ok(())
    }
}
