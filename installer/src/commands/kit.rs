//! `sovereign kit`: the kit looked at, checked, rendered, compared and packed.

use std::path::Path;

use sovereign_core::finding::Severity;
use sovereign_core::kit::KitManifest;
use sovereign_core::spec::KitProfile;
use sovereign_templates::kit::{Kit, component_schema, kit_schema, lint};

use crate::cli::{Global, KitCommand, KitPack, KitProfileArg, KitRender, KitSchema};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::kit;
use crate::output;
use crate::render;
use crate::render::paint::Stream;

/// Looks, checks, renders, compares or packs.
pub(crate) async fn run(global: Global, command: KitCommand) -> Result<Exit, CliError> {
    match command {
        KitCommand::Show(args) => show(&global, &kit::load(args.kit.as_deref())?),
        KitCommand::Lint(args) => check(&global, &kit::load(args.kit.as_deref())?),
        KitCommand::Render(args) => write(&args),
        KitCommand::Diff { before, after } => diff(&before, &after),
        KitCommand::Schema { file } => schema(file),
        KitCommand::Pack(args) => pack(&global, &args).await,
    }
}

fn show(global: &Global, kit: &Kit) -> Result<Exit, CliError> {
    if global.json {
        output::json(&render::kit::json(kit))?;
    } else {
        output::data(&render::kit::components(kit))?;
    }
    Ok(Exit::Ok)
}

fn check(global: &Global, kit: &Kit) -> Result<Exit, CliError> {
    let findings = lint(kit, &kit::render(kit)?);
    if !findings.iter().any(|finding| finding.severity == Severity::Error) {
        if global.json {
            output::json(&findings)?;
        } else {
            output::data(&render::kit::checked(kit, &findings))?;
        }
        return Ok(Exit::Ok);
    }
    Err(CliError::Kit { findings })
}

fn write(args: &KitRender) -> Result<Exit, CliError> {
    let kit = kit::load(args.kit.kit.as_deref())?;
    let rendering = kit::render(&kit)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::Write { path, source }
    };
    let out = &args.out;
    std::fs::create_dir_all(out).map_err(failed(out))?;
    if std::fs::read_dir(out).map_err(failed(out))?.next().is_some() {
        return Err(CliError::NotEmpty { path: out.clone() });
    }
    let profile = args.profile.map(KitProfile::from);
    let mut written = 0;
    for (path, text) in &rendering.files {
        if profile.is_none_or(|profile| render::kit::is_of(&kit, path, profile)) {
            let path = out.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(out)).map_err(failed(&path))?;
            std::fs::write(&path, text).map_err(failed(&path))?;
            written += 1;
        }
    }
    output::notice(&format!("wrote {written} files to `{}`", out.display()));
    for finding in lint(&kit, &rendering)
        .iter()
        .filter(|finding| finding.code == "kit.unseen")
    {
        output::notice(&render::findings::render(
            std::slice::from_ref(finding),
            Stream::Err,
        ));
    }
    Ok(Exit::Ok)
}

impl From<KitProfileArg> for KitProfile {
    fn from(profile: KitProfileArg) -> Self {
        match profile {
            KitProfileArg::Solo => Self::Solo,
            KitProfileArg::Ha => Self::Ha,
            KitProfileArg::Extended => Self::Extended,
        }
    }
}

fn diff(before: &Path, after: &Path) -> Result<Exit, CliError> {
    let files = |path: &Path| {
        let folder = (path != Path::new("default")).then_some(path);
        Ok::<_, CliError>(kit::render(&kit::load(folder)?)?.files)
    };
    let text = render::kit::difference(&files(before)?, &files(after)?);
    output::raw(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn schema(file: KitSchema) -> Result<Exit, CliError> {
    output::json(&match file {
        KitSchema::Kit => kit_schema(),
        KitSchema::Component => component_schema(),
        KitSchema::Manifest => schemars::schema_for!(KitManifest).to_value(),
    })?;
    Ok(Exit::Ok)
}

async fn pack(global: &Global, args: &KitPack) -> Result<Exit, CliError> {
    let kit = kit::load(args.kit.kit.as_deref())?;
    let packed = kit::pack::pack(&kit, args).await?;
    if global.json {
        output::json(&packed)?;
    } else {
        output::data(&render::kit::packed(&packed))?;
    }
    Ok(Exit::Ok)
}
