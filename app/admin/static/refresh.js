// Brings the page up to date while it is open: fetches it again and replaces the sections that changed.
// Scroll position, focus, opened details and text typed into a form stay as they are; without this script the page
// works the same, but shows the moment at which it was asked for.
"use strict";

const SECONDS = 10;
const PATIENCE = 8; // seconds that one answer may take
const live = () => document.querySelectorAll("[data-live]");

/** Somebody is typing, choosing or selecting: nothing may move under the hand. */
function isInUse() {
  const active = document.activeElement;
  const selection = document.getSelection();
  if (active && active.matches("input, textarea, select")) return true;
  if (selection && !selection.isCollapsed) return true;
  return [...document.querySelectorAll("form")].some((form) =>
    [...form.elements].some((field) => field.type === "file" ? field.value !== "" : "defaultValue" in field && field.value !== field.defaultValue));
}

/** The way to an element that has no id: its section, and which of the section's controls it is. */
function placeOf(element) {
  const section = element && element.closest("[data-live]");
  if (!section) return null;
  return { section: section.id, number: controls(section).indexOf(element), link: element.getAttribute("href") };
}

const controls = (section) => [...section.querySelectorAll("a, button, summary, [tabindex]")];

function focusAgain(place) {
  const section = place && document.getElementById(place.section);
  if (!section) return;
  const all = controls(section);
  const same = place.link && all.find((each) => each.getAttribute("href") === place.link);
  const element = same || all[place.number];
  if (element) element.focus({ preventScroll: true });
}

function replace(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const opened = [...old.querySelectorAll("details[open]")].map((each) => each.id);
  const place = old.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  old.replaceChildren(...fresh.childNodes);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  focusAgain(place);
}

async function refresh() {
  if (document.hidden || isInUse()) return;
  const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE * 1000) });
  if (!answer.ok || answer.redirected || isInUse()) return; // redirected: the session has ended
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [x, y] = [scrollX, scrollY];
  for (const section of live()) {
    const next = fresh.getElementById(section.id);
    if (next) replace(section, next);
  }
  document.title = fresh.title;
  if (scrollX !== x || scrollY !== y) scrollTo(x, y);
}

/** One at a time, and never after a page that is left; a gate that does not answer is asked again. */
async function keepRefreshing() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    await refresh().catch(() => {});
  }
}

if (live().length) keepRefreshing();
