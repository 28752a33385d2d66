//! Who we are to a registry: nobody, an account, or the bearer of a token that it gave us.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::reference::Reference;

use super::challenge::Challenge;
use super::{Client, PullError};

/// What was accepted last, by host and repository.
#[derive(Debug, Default)]
pub(super) struct Access(Mutex<HashMap<(String, String), Proof>>);

#[derive(Debug, Clone)]
enum Proof {
    Account,
    Token(SecretString),
}

/// Registries write their token under one name, the other, or both.
#[derive(Deserialize)]
struct Answer {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
}

fn place(reference: &Reference) -> (String, String) {
    (reference.host().to_owned(), reference.repository().to_string())
}

impl Client {
    /// Says who we are, as far as the registry wanted to know so far.
    pub(super) fn introduce(&self, reference: &Reference, request: RequestBuilder) -> RequestBuilder {
        let known = self.access.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&place(reference)) {
            None => request,
            Some(Proof::Token(token)) => request.bearer_auth(token.expose_secret()),
            Some(Proof::Account) => self.as_account(reference, request),
        }
    }

    fn as_account(&self, reference: &Reference, request: RequestBuilder) -> RequestBuilder {
        match self.options.credentials.get(reference.host()) {
            Some(account) => request.basic_auth(&account.user, Some(account.password.expose_secret())),
            None => request,
        }
    }

    /// Does what a registry wants before it lets us in.
    pub(super) async fn prove(&self, reference: &Reference, challenge: &str) -> Result<(), PullError> {
        let unauthorized = |why: &str| PullError::Unauthorized {
            host: reference.host().to_owned(),
            why: why.to_owned(),
        };
        let proof = match Challenge::read(challenge) {
            None => return Err(unauthorized("it wants a proof of another kind than we have")),
            Some(Challenge::Basic) if !self.options.credentials.contains_key(reference.host()) => {
                return Err(unauthorized("it wants an account, and none is given for it"));
            }
            Some(Challenge::Basic) => Proof::Account,
            Some(Challenge::Bearer {
                realm,
                service,
                scope,
            }) => Proof::Token(self.token(reference, &realm, service, scope).await?),
        };
        let mut known = self.access.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(place(reference), proof);
        Ok(())
    }

    async fn token(
        &self,
        reference: &Reference,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
    ) -> Result<SecretString, PullError> {
        let mut url = Url::parse(realm)
            .map_err(|why| PullError::bad_answer(reference, &format!("its realm: {why}")))?;
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", reference.repository()));
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", &service);
        }
        let make = || self.as_account(reference, self.http.get(url.clone()));
        let answer = self.patiently(reference.host(), make).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(PullError::Unauthorized {
                host: reference.host().to_owned(),
                why: format!("no token is given, but status {status}"),
            });
        }
        let answer: Answer = answer
            .json()
            .await
            .map_err(|why| PullError::bad_answer(reference, &format!("its token: {}", why.without_url())))?;
        let token = answer.token.or(answer.access_token);
        token.ok_or_else(|| PullError::bad_answer(reference, &"its token is missing"))
    }
}
