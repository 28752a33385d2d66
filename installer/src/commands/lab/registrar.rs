//! `sovereign lab registrar`: the desk of the lab's registrars.

use sovereign_lab::{
    LabClient, OwnersChange, RegisteredDomain, RegistrarEffect, RegistrarFault, RegistrarView,
};

use crate::cli::{Global, RegistrarCommand, RegistrarEffectWord, RegistrarFaultSet, RegistrarSet};
use crate::errors::CliError;
use crate::output;
use crate::render::table::Columns;

/// Shows, changes, breaks.
pub(super) async fn run(
    global: &Global,
    client: &LabClient,
    command: RegistrarCommand,
) -> Result<(), CliError> {
    match command {
        RegistrarCommand::Show { domain } => {
            let mut registrars = client.registrars().await?;
            if let Some(domain) = domain {
                for registrar in &mut registrars {
                    registrar.domains.retain(|name, _| *name == domain);
                }
                registrars.retain(|registrar| !registrar.domains.is_empty());
            }
            show(global, &registrars)?;
        }
        RegistrarCommand::Set(set) => client.change_domain(&set.domain, &change(&set)).await?,
        RegistrarCommand::Lock { domain } => lock(client, &domain, true).await?,
        RegistrarCommand::Unlock { domain } => lock(client, &domain, false).await?,
        RegistrarCommand::Fault(set) => client.set_registrar_fault(set.vendor, &fault(&set)).await?,
        RegistrarCommand::Heal { vendor } => client.heal_registrar(vendor).await?,
        RegistrarCommand::Revoke { vendor } => client.revoke_registrar(vendor).await?,
    }
    Ok(())
}

async fn lock(client: &LabClient, domain: &str, locked: bool) -> Result<(), CliError> {
    let change = OwnersChange {
        locked: Some(locked),
        ..OwnersChange::default()
    };
    Ok(client.change_domain(domain, &change).await?)
}

/// No name servers at all are the registrar's own.
fn change(set: &RegistrarSet) -> OwnersChange {
    OwnersChange {
        ns: (set.default_ns || !set.ns.is_empty()).then(|| set.ns.clone()),
        ds: (set.no_ds || !set.ds.is_empty()).then(|| set.ds.clone()),
        locked: None,
    }
}

fn fault(set: &RegistrarFaultSet) -> RegistrarFault {
    use RegistrarEffectWord as Word;
    let effect = match set.effect {
        Word::Error => RegistrarEffect::Error(set.status),
        Word::ErrorAfterwards => RegistrarEffect::ErrorAfterwards(set.status),
        Word::DropRequest => RegistrarEffect::DropRequest,
        Word::DropResponse => RegistrarEffect::DropResponse,
        Word::Garbage => RegistrarEffect::Garbage,
        Word::RateLimited => RegistrarEffect::RateLimited(set.seconds),
        Word::Slow => RegistrarEffect::Slow(set.ms),
        Word::NotApplied => RegistrarEffect::NotApplied,
        Word::Partial => RegistrarEffect::Partial,
        Word::TaskFails => RegistrarEffect::TaskFails,
    };
    let mut fault = RegistrarFault::always(effect).after(set.after);
    if set.writes {
        fault = fault.only_writes(true);
    }
    match set.times {
        Some(times) => fault.times(times),
        None => fault,
    }
}

fn show(global: &Global, registrars: &[RegistrarView]) -> Result<(), CliError> {
    if global.json {
        return output::json(&registrars);
    }
    if registrars.is_empty() {
        output::notice(
            "no registrar of this lab has such a domain; `sovereign lab up --registrar` brings them",
        );
        return Ok(());
    }
    for registrar in registrars {
        let RegistrarView {
            vendor,
            url,
            requests,
            ..
        } = registrar;
        output::data(&format!("{vendor} at {url}, {requests} requests"))?;
        output::data(&format!("registrar: {}", registrar.credential))?;
        let mut table = Columns::new(["domain", "name servers", "DS", "lock"]);
        for (name, domain) in &registrar.domains {
            table.row(row(name, domain));
        }
        output::data(&table.render(""))?;
    }
    Ok(())
}

fn row(name: &str, domain: &RegisteredDomain) -> [String; 4] {
    let tags: Vec<String> = domain.ds.iter().map(|ds| ds.key_tag.to_string()).collect();
    let lock = if domain.locked { "locked" } else { "" };
    [
        name.to_owned(),
        domain.ns.join(" "),
        tags.join(" "),
        lock.to_owned(),
    ]
}
