//! SAML: what it costs to take a response, and to refuse every hostile one of the tests. Processor time of the thread, in interleaved rounds, beside
//! OpenSSL's own RSA and two other verifiers.
//!
//! `cargo bench --bench saml`, or with another number of rounds: `cargo bench --bench saml -- 9`. Fails when a refusal costs more than its budget.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark says its figures, and stops at what it did not expect"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use attack::Attack;
use bergshamra::keys::loader::load_x509_cert_der;
use bergshamra::{DsigContext, KeysManager};
use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use samael::crypto::ReduceMode;
use samael::metadata::EntityDescriptor;
use usher::clock::{Clock as _, SystemClock};
use usher::saml::ServiceProvider;
use usher::saml::message::encode_post;
use usher::saml::xml::algorithms::VerifyingKey;
use usher::saml::xml::{self, signature};

use attacks::saml::{answer, every_case};
use support::saml_idp::{ACS, Draft, IDP, IDP_CERT, REQUEST, SP, SSO, Scene, Signer, Sp, der};

#[allow(unused, reason = "what the tests need of it is not needed here")]
#[path = "../it/attacks/attack.rs"]
mod attack;
#[allow(unused, reason = "what the tests need of it is not needed here")]
#[path = "../it/attacks/saml/mod.rs"]
mod saml_attacks;
#[allow(unused, reason = "what the tests need of it is not needed here")]
#[path = "../it/support/saml_idp.rs"]
mod saml_idp;

mod attacks {
    pub(crate) use crate::attack::Attack;
    pub(crate) use crate::saml_attacks as saml;
}
mod support {
    pub(crate) use crate::saml_idp;
}

const BUDGET_MICROSECONDS: f64 = 2_000.0;
const BUDGET_BYTES: u64 = 8 * 1024 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let rounds = arguments.first().map_or(5, |rounds| rounds.parse().unwrap());
    let message = Message::new(5);
    take(&message, rounds);
    groups(rounds);
    threads(&message);
    refuse();
}

/// A true response of now, because one of the others reads the clock itself.
struct Message {
    xml: String,
    field: String,
    now: Timestamp,
}

impl Message {
    fn new(groups: usize) -> Self {
        let now: Timestamp = SystemClock.now();
        let values = |number| format!("<saml:AttributeValue xsi:type=\"xs:string\">group-{number:05}</saml:AttributeValue>");
        let two = "<saml:AttributeValue xsi:type=\"xs:string\">app-admins</saml:AttributeValue><saml:AttributeValue xsi:type=\"xs:string\">design</saml:AttributeValue>";
        let times = [("10:00:00", 0), ("10:05:00", 300), ("10:06:00", 360), ("09:55:00", -300), ("09:59:58", -2), ("18:00:00", 28_800)];
        let draft = Draft::new().edit(two, &(0..groups).map(values).collect::<String>());
        let draft = times.into_iter().fold(draft, |draft, (time, seconds)| {
            draft.edit(&format!("2026-11-24T{time}Z"), &format!("{:.0}", now + SignedDuration::from_secs(seconds)))
        });
        let xml = draft.sign_assertion(&Signer::idp()).0;
        Self { field: encode_post(&xml), xml, now }
    }

    fn accept(&self, provider: &ServiceProvider) {
        black_box(provider.finish(&self.field, Some(REQUEST), self.now).unwrap());
    }
}

/// Processor microseconds of this thread for one call, over a tenth of a second.
fn cost(mut call: impl FnMut()) -> f64 {
    let start = thread_microseconds();
    let mut calls = 0;
    loop {
        call();
        calls += 1;
        let used = thread_microseconds() - start;
        if used > 100_000.0 {
            return used / f64::from(calls);
        }
    }
}

fn thread_microseconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Verifications a second of `openssl speed rsa2048`, as microseconds of its processor time for one.
fn openssl() -> f64 {
    let output = Command::new("openssl").args(["speed", "-seconds", "1", "rsa2048"]).output().expect("install openssl");
    let text = String::from_utf8(output.stdout).unwrap();
    let head = text.lines().find(|line| line.contains("verify/s")).unwrap();
    let column = head.split_whitespace().position(|word| word == "verify/s").unwrap();
    let (_, figures) = text.lines().find(|line| line.starts_with("rsa")).unwrap().split_once("bits").unwrap();
    1e6 / figures.split_whitespace().nth(column).unwrap().parse::<f64>().unwrap()
}

/// Signature only: it knows nothing of SAML.
fn bergshamra() -> impl Fn(&Message) {
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_der(&der(IDP_CERT)).unwrap());
    let context = DsigContext::new(keys).with_trusted_keys_only(true).with_strict_verification(true);
    move |message| assert!(bergshamra::verify(&context, &message.xml).unwrap().is_valid())
}

/// The same of ours: the gate, the parser, and the signature of the assertion. No base64, no meaning.
fn signature_only() -> impl Fn(&Message) {
    let keys = [VerifyingKey::from_certificate(&der(IDP_CERT)).unwrap()];
    move |message| {
        let document = xml::parse(&message.xml).unwrap();
        let assertion = document.root_element().last_element_child().unwrap();
        assert!(signature::verify(assertion, &keys).unwrap().is_some());
    }
}

fn samael(mode: ReduceMode) -> impl Fn(&Message) {
    let certificate: String = IDP_CERT.lines().filter(|line| !line.starts_with("-----")).collect();
    let metadata = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{SSO}\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    );
    let provider = samael::service_provider::ServiceProvider {
        entity_id: Some(SP.to_owned()),
        acs_url: Some(ACS.to_owned()),
        idp_metadata: metadata.parse::<EntityDescriptor>().unwrap(),
        ..samael::service_provider::ServiceProvider::default()
    };
    move |message| drop(black_box(provider.parse_base64_response_with_mode(&message.field, Some(&[REQUEST]), mode).unwrap()))
}

/// One response with a signed assertion, against the others.
fn take(message: &Message, rounds: usize) {
    let provider = Sp::default().build().unwrap();
    let (only, bergshamra, pre_digest, usual) =
        (signature_only(), bergshamra(), samael(ReduceMode::PreDigest), samael(ReduceMode::default()));
    let mut costs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        let mut add = |name, microseconds| costs.entry(name).or_default().push(microseconds);
        add("1 openssl speed rsa2048, verify", openssl());
        add("2 usher: gate, signature, semantics", cost(|| message.accept(&provider)));
        add("3 usher: signature only", cost(|| only(message)));
        add("4 bergshamra: signature only", cost(|| bergshamra(message)));
        add("5 samael, PreDigest", cost(|| pre_digest(message)));
        add("6 samael, usual mode", cost(|| usual(message)));
    }
    println!("One response of {} bytes, assertion signed with RSA-2048 and SHA-256, five groups; {rounds} rounds\n", message.xml.len());
    println!("{:38} {:>8} {:>24} {:>9} {:>15}", "", "CPU us", "of openssl's rate", "usher is", "signature only");
    let base = costs["1 openssl speed rsa2048, verify"].clone();
    let ours = costs["2 usher: gate, signature, semantics"].clone();
    let only = costs["3 usher: signature only"].clone();
    for (name, mine) in costs {
        let ratio = |others: &[f64]| -> Vec<f64> { others.iter().zip(&mine).map(|(other, mine)| other / mine).collect() };
        let mut rate = ratio(&base);
        rate.sort_by(f64::total_cmp);
        let spread = format!("{:.1} % [{:.1}-{:.1}]", median(rate.clone()) * 100.0, rate[0] * 100.0, rate[rate.len() - 1] * 100.0);
        let [faster, like] = [&ours, &only].map(|ours| 1.0 / median(ratio(ours)));
        println!("{:38} {:>8.1} {spread:>24} {faster:>8.2}x {like:>14.2}x", &name[2..], median(mine.clone()));
    }
}

fn groups(rounds: usize) {
    let provider = Sp::default().build().unwrap();
    let messages = [250, 500, 1000, 2000].map(|count| (count, Message::new(count)));
    println!("\n{:>6} groups {:>8} {:>12} {:>14}", "", "CPU us", "bytes", "us a group");
    for (count, message) in messages {
        let used = median((0..rounds).map(|_| cost(|| message.accept(&provider))).collect());
        println!("{count:>6} {:>15.0} {:>12} {:>14.2}", used, message.xml.len(), used / count as f64);
    }
}

/// Messages a second by the clock on the wall, on one thread and on two, and the processor time of each.
fn threads(message: &Message) {
    const MESSAGES: u32 = 10_000;
    let provider = Sp::default().build().unwrap();
    let run = |threads: usize| {
        let start = Instant::now();
        let used: Vec<f64> = std::thread::scope(|scope| {
            let work = || {
                let start = thread_microseconds();
                (0..MESSAGES).for_each(|_| message.accept(&provider));
                (thread_microseconds() - start) / f64::from(MESSAGES)
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let rate = f64::from(MESSAGES) * threads as f64 / start.elapsed().as_secs_f64();
        (rate, median(used))
    };
    let ((one, cpu_of_one), (two, cpu_of_two)) = (run(1), run(2));
    println!("\none thread {one:.0}/s at {cpu_of_one:.1} us; two threads {two:.0}/s at {cpu_of_two:.1} us: {:.2}x", two / one);
}

/// Every hostile message: the least of five, as in the tests, and the most memory.
fn refuse() {
    let mut costs = Vec::new();
    for case in every_case() {
        for (number, sent) in (case.build)(&Scene::default()).into_iter().enumerate() {
            let mut sp = Sp::default();
            sent.settings.iter().for_each(|set| set(&mut sp));
            let provider = sp.build().unwrap();
            let one = || {
                let start = thread_microseconds();
                assert_eq!(answer(&provider, &sp, &sent.message), Err(case.attack.answer), "{}", case.attack.id);
                thread_microseconds() - start
            };
            let least = (0..5).map(|_| one()).fold(f64::INFINITY, f64::min);
            let bytes = allocation_counter::measure(|| _ = black_box(answer(&provider, &sp, &sent.message))).bytes_max;
            costs.push((least, bytes, case.attack, number));
        }
    }
    costs.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let most = costs.iter().map(|(_, bytes, ..)| *bytes).max().unwrap();
    println!(
        "\n{} hostile messages refused: half of them within {:.0} us; the most memory {} KiB; the dearest:",
        costs.len(),
        costs[costs.len() / 2].0,
        most / 1024
    );
    for (least, bytes, Attack { id, title, answer, .. }, number) in costs.iter().take(8) {
        println!("{least:>8.0} us {:>6} KiB  {id}.{number} {title}: {answer}", bytes / 1024);
    }
    let over = costs.iter().filter(|(least, bytes, ..)| *least > BUDGET_MICROSECONDS || *bytes > BUDGET_BYTES).count();
    assert_eq!(over, 0, "{over} refusals cost more than {BUDGET_MICROSECONDS} us or {BUDGET_BYTES} bytes");
}
