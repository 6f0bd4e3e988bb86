//! Real proxies from Debian that ask Usher before they pass a request on, each with the very files of `docs/proxies`.
//!
//! - `servers`: nginx, Caddy, HAProxy and Apache, with ports for this machine put into those files
//! - `scenario`: what has to happen behind every one of them

mod scenario;
mod servers;

/// A test for each named function, behind each proxy.
macro_rules! behind_each {
    ($($name:ident),* $(,)?) => {
        behind_each!(@proxy nginx, $($name),*);
        behind_each!(@proxy caddy, $($name),*);
        behind_each!(@proxy haproxy, $($name),*);
        behind_each!(@proxy apache, $($name),*);
    };
    (@proxy $proxy:ident, $($name:ident),*) => {
        mod $proxy {
            $(#[tokio::test]
            async fn $name() {
                super::scenario::$name(super::scenario::House::open(super::servers::$proxy).await).await;
            })*
        }
    };
}

behind_each! {
    a_member_reaches_the_app_and_the_app_knows_who,
    nobody_can_say_what_only_usher_says,
    a_person_signs_in_and_lands_on_the_deep_link,
    a_program_is_told_where_to_sign_in,
    a_refusal_reaches_the_browser,
    no_odd_path_leads_around_the_question,
    a_gateway_that_is_down_is_no,
    one_connection_to_the_app_serves_many_requests,
}
