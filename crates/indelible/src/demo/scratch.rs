//! The folder that everything happens in.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A folder, removed at the end unless the user named it, and a free port on loopback.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Removes the folder when dropped.
    temporary: Option<tempfile::TempDir>,
    address: SocketAddr,
}

impl Scratch {
    pub(super) fn new(keep: Option<&Path>) -> Result<Self> {
        let temporary = match keep {
            Some(folder) => {
                for name in ["collector", "agent", "pki", "edited-copy", "payroll"] {
                    let path = folder.join(name);
                    ensure!(!path.exists(), "{} exists already", path.display());
                }
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
                None
            }
            None => Some(
                tempfile::Builder::new()
                    .prefix("indelible-demo-")
                    .tempdir()?,
            ),
        };
        let folder = match (&temporary, keep) {
            (Some(temporary), _) => temporary.path().to_owned(),
            (None, Some(folder)) => folder.canonicalize()?,
            (None, None) => unreachable!("one of the two was just made"),
        };
        // The worker, which has another user, must get through to its spool.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self {
            folder,
            temporary,
            address,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the folder, as a command's argument.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder, where it stays.
    pub(super) fn kept(&self) -> Option<&Path> {
        self.temporary.is_none().then_some(self.folder.as_path())
    }
}

/// Copies a folder of files and folders.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let target = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy_folder(&item.path(), &target)?;
        } else {
            fs::copy(item.path(), target)?;
        }
    }
    Ok(())
}

/// A byte that was changed.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) file: PathBuf,
    pub(super) offset: usize,
}

/// Changes one letter of the last place where `text` stands in the files of a folder.
pub(super) fn edit_byte(folder: &Path, text: &[u8]) -> Result<Edited> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|item| Ok(item?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files.into_iter().rev() {
        let mut bytes = fs::read(&file)?;
        let found = bytes.windows(text.len()).rposition(|window| window == text);
        if let Some(offset) = found {
            bytes[offset] ^= 0x20;
            fs::write(&file, bytes)?;
            return Ok(Edited { file, offset });
        }
    }
    anyhow::bail!("the event is not in {}", folder.display())
}
