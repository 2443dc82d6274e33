//! One Debian package: its tree, its control files, dpkg-deb.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::licences;
use super::table::{File, Package};
use crate::shell;

/// What all packages of one release share.
pub(crate) struct Build {
    pub(crate) root: PathBuf,
    pub(crate) version: String,
    pub(crate) date_s: u64,
    /// The program, stripped.
    pub(crate) binary: PathBuf,
}

impl Build {
    /// Builds a package into a folder.
    pub(crate) fn package(&self, package: &Package, out: &Path) -> Result<PathBuf> {
        let tree = tempfile::tempdir()?;
        // dpkg-deb refuses control folders that others may write.
        set_mode(tree.path(), 0o755)?;
        let staged = Staged {
            build: self,
            tree: tree.path(),
        };
        let mut config = String::new();
        for file in package.files {
            staged
                .add(file, &mut config)
                .with_context(|| format!("in the package {}", package.name))?;
        }
        let docs = format!("/usr/share/doc/{}", package.name);
        staged.copy(
            "packaging/deb/copyright",
            &format!("{docs}/copyright"),
            0o644,
        )?;
        let change = staged.at(&format!("{docs}/changelog.Debian"))?;
        fs::write(&change, self.changelog(package)?)?;
        staged.compress(&change, &format!("{docs}/changelog.Debian.gz"))?;
        fs::remove_file(&change)?;
        self.control(package, &staged, &config)?;
        self.set_dates(tree.path())?;
        let architecture = architecture()?;
        let file = out.join(format!(
            "{}_{}_{architecture}.deb",
            package.name, self.version
        ));
        let mut command = Command::new("dpkg-deb");
        command
            .args(["--root-owner-group", "-Zxz", "--build"])
            .arg(tree.path())
            .arg(&file)
            .env("SOURCE_DATE_EPOCH", self.date_s.to_string())
            .stdout(Stdio::null());
        shell::run(command)?;
        Ok(file)
    }

    fn control(&self, package: &Package, staged: &Staged<'_>, config: &str) -> Result<()> {
        let folder = staged.tree.join("DEBIAN");
        fs::create_dir_all(&folder)?;
        set_mode(&folder, 0o755)?;
        let mut depends = Vec::new();
        for depend in package.depends {
            depends.push(match *depend {
                "libc" => libraries(&self.binary)?,
                other => other.replace("=version", &self.version),
            });
        }
        let mut text = String::new();
        let _ = writeln!(text, "Package: {}", package.name);
        let _ = writeln!(text, "Version: {}", self.version);
        let _ = writeln!(text, "Architecture: {}", architecture()?);
        let _ = writeln!(text, "Maintainer: {MAINTAINER}");
        let _ = writeln!(text, "Installed-Size: {}", kibibytes(staged.tree)?);
        let _ = writeln!(text, "Depends: {}", depends.join(", "));
        if !package.recommends.is_empty() {
            let _ = writeln!(text, "Recommends: {}", package.recommends);
        }
        let _ = writeln!(text, "Section: {}\nPriority: optional", package.section);
        let mut lines = package.description.lines();
        let _ = writeln!(text, "Description: {}", lines.next().unwrap_or_default());
        for line in lines {
            let line = if line.is_empty() { "." } else { line };
            let _ = writeln!(text, " {line}");
        }
        fs::write(folder.join("control"), text)?;
        if !config.is_empty() {
            fs::write(folder.join("conffiles"), config)?;
        }
        for script in ["preinst", "postinst", "prerm", "postrm"] {
            let source = self
                .root
                .join(format!("packaging/deb/{}.{script}", package.name));
            if source.exists() {
                let target = folder.join(script);
                fs::copy(&source, &target)?;
                set_mode(&target, 0o755)?;
            }
        }
        let mut sums = Vec::new();
        for path in files_below(staged.tree)? {
            let name = path.strip_prefix(staged.tree)?;
            if !name.starts_with("DEBIAN") && !path.is_symlink() {
                sums.push(name.to_owned());
            }
        }
        sums.sort();
        if !sums.is_empty() {
            let mut command = Command::new("md5sum");
            let output = command
                .arg("--")
                .args(&sums)
                .current_dir(staged.tree)
                .output()?;
            ensure!(output.status.success(), "md5sum failed");
            fs::write(folder.join("md5sums"), output.stdout)?;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let is_script = path.extension().is_none()
                && ["preinst", "postinst", "prerm", "postrm"]
                    .iter()
                    .any(|script| path.ends_with(script));
            set_mode(&path, if is_script { 0o755 } else { 0o644 })?;
        }
        Ok(())
    }

    fn changelog(&self, package: &Package) -> Result<String> {
        let output = Command::new("date")
            .args(["-u", "-R", "-d", &format!("@{}", self.date_s)])
            .env("LC_ALL", "C")
            .output()?;
        let date = String::from_utf8(output.stdout)?;
        Ok(format!(
            "{} ({}) unstable; urgency=medium\n\n  * Release {}: see NEWS of the package indelible.\n\n -- {MAINTAINER}  {}\n",
            package.name,
            self.version,
            env!("CARGO_PKG_VERSION"),
            date.trim()
        ))
    }

    fn set_dates(&self, tree: &Path) -> Result<()> {
        let mut command = Command::new("find");
        command
            .arg(tree)
            .args(["-exec", "touch", "--no-dereference", "--date"])
            .arg(format!("@{}", self.date_s))
            .args(["{}", "+"]);
        ensure!(command.status()?.success(), "cannot set the dates of files");
        Ok(())
    }
}

/// The tree of a package while it is filled.
struct Staged<'a> {
    build: &'a Build,
    tree: &'a Path,
}

impl Staged<'_> {
    fn add(&self, file: &File, config: &mut String) -> Result<()> {
        match file {
            File::Copy(from, to) => self.copy(from, to, 0o644),
            File::Config(from, to) => {
                let _ = writeln!(config, "{to}");
                self.copy(from, to, 0o644)
            }
            File::Licences(to) => {
                let texts = tempfile::NamedTempFile::new()?;
                fs::write(texts.path(), licences::texts()?)?;
                self.compress(texts.path(), to)
            }
            File::Compressed(from, to) => self.compress(&self.build.root.join(from), to),
            File::Folder(from, to) => {
                let folder = self.build.root.join(from);
                let entries = fs::read_dir(&folder)
                    .with_context(|| format!("cannot list {}", folder.display()))?;
                for entry in entries {
                    let path = entry?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    self.compress(&path, &format!("{to}/{name}.gz"))?;
                }
                Ok(())
            }
            File::Program(to) => {
                let target = self.at(to)?;
                fs::copy(&self.build.binary, &target)?;
                set_mode(&target, 0o755)
            }
            File::Link(at, to) => {
                symlink(to, self.at(at)?).with_context(|| format!("cannot make the link {at}"))
            }
            File::Empty(at) => {
                let folder = self.at(at)?;
                fs::create_dir_all(&folder)?;
                set_mode(&folder, 0o755)
            }
        }
    }

    /// A path in the tree, with the folders above it.
    fn at(&self, path: &str) -> Result<PathBuf> {
        let relative = path.trim_start_matches('/');
        let mut folder = self.tree.to_owned();
        for part in Path::new(relative).parent().into_iter().flatten() {
            folder.push(part);
            if !folder.exists() {
                fs::create_dir(&folder)?;
                set_mode(&folder, 0o755)?;
            }
        }
        Ok(self.tree.join(relative))
    }

    fn copy(&self, from: &str, to: &str, mode: u32) -> Result<()> {
        let target = self.at(to)?;
        let source = self.build.root.join(from);
        fs::copy(&source, &target).with_context(|| format!("cannot copy {from}"))?;
        set_mode(&target, mode)
    }

    fn compress(&self, from: &Path, to: &str) -> Result<()> {
        let output = Command::new("gzip")
            .args(["-9", "-n", "-c", "--"])
            .arg(from)
            .output()
            .context("gzip cannot be started")?;
        ensure!(output.status.success(), "gzip failed on {}", from.display());
        let target = self.at(to)?;
        fs::write(&target, output.stdout)?;
        set_mode(&target, 0o644)
    }
}

/// The libraries that the program is linked with, each from the version whose symbols it names.
fn libraries(binary: &Path) -> Result<String> {
    let bytes = fs::read(binary)?;
    let newest = versions(&bytes, b"GLIBC_").into_iter().max();
    let (major, minor) = newest.context("the program names no version of glibc")?;
    let gcc = if versions(&bytes, b"GCC_").is_empty() {
        ""
    } else {
        ", libgcc-s1 (>= 4.2)"
    };
    Ok(format!("libc6 (>= {major}.{minor}){gcc}"))
}

/// The versions that follow a word in a file's bytes.
fn versions(bytes: &[u8], word: &[u8]) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for at in 0..bytes.len().saturating_sub(word.len()) {
        let Some(rest) = bytes[at..].strip_prefix(word) else {
            continue;
        };
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit() && *byte != b'.')
            .unwrap_or(rest.len());
        let text = String::from_utf8_lossy(&rest[..end]);
        let mut numbers = text.split('.').map(str::parse::<u32>);
        if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
            found.push((major, minor));
        }
    }
    found
}

fn architecture() -> Result<String> {
    let output = Command::new("dpkg").arg("--print-architecture").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn kibibytes(tree: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in files_below(tree)? {
        bytes += fs::symlink_metadata(&file)?.len();
    }
    Ok(bytes.div_ceil(1024))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}

const MAINTAINER: &str = "Indelible maintainers <maintainers@indelible.invalid>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_a_program() {
        let bytes = b"\0GLIBC_2.34\0GLIBC_2.4.1\0GLIBC_PRIVATE\0GLIBC_2";
        assert_eq!(versions(bytes, b"GLIBC_"), [(2, 34), (2, 4)]);
    }
}
