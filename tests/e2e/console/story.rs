//! The pictures of the README: the console, and what an Owner does with it in twelve seconds. The browser takes every frame, so they show what there is.
//!
//! To make them again: `cargo nextest run --test e2e -E 'test(story)'`, look at them, then `cp target/shots/{console,story}-{light,dark}.png docs/images/`.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::path::PathBuf;

use jiff::SignedDuration;

use super::film::film;
use super::{come_by, enter};
use crate::house::House;
use crate::support::{Browser, Theme, browse};

/// So long each frame is looked at, in seconds.
const FRAME: u16 = 2;
const SIZE: (u32, u32) = (1120, 700);
/// A line under the page that says what happens, and a ring around what is pressed next.
const SAY: &str = "
    document.getElementById('caption')?.remove();
    const caption = document.createElement('p');
    caption.id = 'caption';
    caption.textContent = TEXT;
    Object.assign(caption.style, { position: 'fixed', inset: 'auto 0 0', margin: 0, padding: '0.9rem', zIndex: 9, pointerEvents: 'none', font: '600 20px/1.4 system-ui', textAlign: 'center', color: 'white', background: 'oklch(0.3 0.06 222)' });
    document.body.append(caption);
    const pressed = document.querySelector(PRESSED);
    pressed?.scrollIntoView({ block: 'center' });
    if (pressed) Object.assign(pressed.style, { outline: '0.25rem solid oklch(0.72 0.17 55)', outlineOffset: '0.25rem' });";

/// Frames in both themes.
struct Film<'a> {
    browser: &'a Browser,
    frames: usize,
}

impl Film<'_> {
    /// Takes the page in front, with a line of text, and what is pressed next.
    async fn take(&mut self, text: &str, pressed: &str) {
        let say = SAY.replace("TEXT", &format!("{text:?}")).replace("PRESSED", &format!("{pressed:?}"));
        self.browser.run::<()>(&say).await;
        for theme in [Theme::Dark, Theme::Light] {
            self.browser.portray_as(&frame(self.frames, theme), theme, SIZE).await;
        }
        self.frames += 1;
    }

    /// Puts the frames behind each other: one animated PNG a theme, small enough for a page that people wait for.
    fn develop(&self) {
        for theme in [Theme::Dark, Theme::Light] {
            let frames: Vec<Vec<u8>> = (0..self.frames).map(|number| std::fs::read(shot(&frame(number, theme))).unwrap()).collect();
            let film = film(&frames, FRAME);
            assert!(film.len() < 1_500_000, "{} bytes", film.len());
            std::fs::write(shot(&format!("story-{theme}")), film).unwrap();
        }
    }
}

fn frame(number: usize, theme: Theme) -> String {
    format!("story-{number}-{theme}")
}

fn shot(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/shots/{name}.png"))
}

#[tokio::test]
async fn the_story_of_a_change_is_told_in_twelve_seconds() {
    browse("story", async |browser| {
        let house = House::open().await;
        come_by(browser, &house, &["jo", "mia", "sam", "ada", "lena"]).await;
        house.wait(SignedDuration::from_mins(128));
        let mut film = Film { browser, frames: 0 };
        browser.goto(&house.app("/")).await;
        browser.see("h1", "Sign in").await;
        film.take("Olivia signs in, as everybody does: at her company’s provider.", "a.choice").await;

        enter(browser, &house, "olivia", "/access").await;
        browser.portray("console").await;
        browser.fill("input[name=add-role-1]", "design").await;
        film.take("The designers should be able to administer. One more group for Admin.", "input[name=add-role-1]").await;

        browser.follow("Review changes").await;
        browser.see("h1", "Review your changes").await;
        film.take("Nothing is saved before she has seen, by name, whom it concerns.", "td + td bdi").await;

        browser.follow("Save").await;
        browser.text(".alert.good").await;
        film.take("Saved. It counts at the next sign-in, and can be undone.", ".version").await;

        browser.goto(&house.console("/members")).await;
        browser.see("h1", "Members").await;
        film.take("Why is Jo only a User?", "tr:has([aria-label='Choose Jo Park']) .ask-why").await;

        browser.follow("Why? Jo Park is User").await;
        browser.see("h1", "Jo Park").await;
        film.take("Because of the group everyone. And this is what would make Jo an Admin.", "#why .verdict").await;
        film.develop();
    })
    .await;
}
