//! The environment over the file, and values that are somewhere else.

use std::time::Duration;

use usher::core::Protocol;

use super::{Folder, ORG, SMALLEST};

fn smallest() -> Folder {
    Folder::new().with("usher.toml", SMALLEST)
}

#[test]
fn the_environment_overrides_the_file() {
    let config = smallest()
        .env("USHER__SESSION__IDLE_TIMEOUT", "30m")
        .env("USHER__SERVER__TRUSTED_PROXIES", "10.0.0.5, 10.0.0.6")
        .env("USHER__TLS__OFF", "true")
        .env("USHER__ROUTE__0__UPSTREAM", "http://127.0.0.1:4000")
        .env("USHER__ROUTE__0__ALIASES__EMAIL", "Remote-User")
        .env("USHER__ROUTE__1__HOST", "two.acme.example")
        .env("USHER__ROUTE__1__UPSTREAM", "http://127.0.0.1:5000")
        .env("USHER__ROUTE__1__ORGANIZATION", "acme")
        .env("USHER_UNRELATED", "x")
        .load()
        .unwrap();
    assert_eq!(config.session.idle_timeout, Duration::from_mins(30));
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.routes[0].upstreams[0].as_str(), "http://127.0.0.1:4000/");
    assert_eq!(config.routes[0].aliases.len(), 1);
    assert_eq!(config.routes[1].host, "two.acme.example");
}

#[test]
fn a_fault_of_the_environment_names_the_variable() {
    let folder = smallest()
        .env("USHER__SESSION__IDLE_TIMEOUT", "soon")
        .env("USHER__SESION__LIFETIME", "8h")
        .env("USHER__ROUTE__7__HOST", "x.acme.example")
        .env("USHER__DATA_DIR__X", "y")
        .env("USHER__", "z");
    insta::assert_snapshot!(folder.shown(&folder.load().unwrap_err().render(false)));
}

#[test]
fn a_secret_is_read_from_a_file_or_a_variable() {
    for (written, file) in [("env:ENTRA_SECRET", None), ("file:entra.secret", Some("from elsewhere\n"))] {
        let folder = Folder::new().with("org.toml", &ORG.replace("s3cret-of-entra", written)).env("ENTRA_SECRET", "from elsewhere");
        let folder = file.into_iter().fold(folder, |folder, text| folder.with("entra.secret", text));
        let (settings, _) = folder.load_org().unwrap();
        let Protocol::Oidc(oidc) = &settings.connections[0].protocol else { panic!() };
        assert_eq!(oidc.client_secret.as_ref().unwrap().reveal(), "from elsewhere", "{written}");
    }
}

#[test]
fn a_place_that_leads_nowhere_is_a_fault() {
    for written in ["env:NO_SUCH_VARIABLE", "file:no-such-file", "file:."] {
        let folder = Folder::new().with("org.toml", &ORG.replace("s3cret-of-entra", written));
        let faults = folder.load_org().unwrap_err();
        assert_eq!(faults.list().iter().map(|fault| fault.code.as_str()).collect::<Vec<_>>(), ["U008"], "{written}");
    }
}

#[test]
fn a_file_without_end_is_not_read_without_end() {
    let folder = Folder::new().with("org.toml", &ORG.replace("s3cret-of-entra", "file:/dev/zero"));
    assert!(folder.load_org().unwrap_err().render(false).contains("larger than 1 MiB"));
}
