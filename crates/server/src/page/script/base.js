"use strict";
// Small tools: elements, times, keyed lists. Texts always go in as text, never as markup.
const $ = (id) => document.getElementById(id);

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Replaces the children of a list, but keeps those whose content did not change, so that
// focus and scrolling survive a refresh.
function keyed(parent, items, key, render) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const children = items.map((item) => {
    const id = String(key(item));
    const content = JSON.stringify(item);
    const kept = old.get(id);
    if (kept && kept.content === content) return kept;
    const made = render(item);
    made.dataset.key = id;
    made.content = content;
    return made;
  });
  const same = children.length === parent.children.length
    && children.every((child, n) => child === parent.children[n]);
  if (!same) parent.replaceChildren(...children);
}

function span(milliseconds) {
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const m = Math.floor(s / 60);
  const also = (n, unit) => (n ? ` ${n} ${unit}` : "");
  if (m < 60) return `${m} min${also(Math.floor(s % 60), "s")}`;
  const hours = Math.floor(m / 60);
  if (hours < 48) return `${hours} h${also(m % 60, "min")}`;
  return `${Math.floor(hours / 24)} d`;
}

function ago(milliseconds) {
  const s = Math.floor(Math.max(0, milliseconds) / 1000);
  if (s < 5) return "now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

// The daemon's clock, as far as we know it.
let skew = 0;
const now = () => Date.now() + skew;
const millis = (moment) => Date.parse(moment);

// An element that shows how long ago something was, or how long it has lasted; a timer
// that runs only while the page is seen keeps it right.
function since(moment, show) {
  const element = h("span", { title: new Date(millis(moment)).toLocaleString() }, show(now() - millis(moment)));
  element.className = "ticks";
  element.tick = () => {
    const text = show(now() - millis(moment));
    if (element.textContent !== text) element.textContent = text;
  };
  return element;
}

function tick() {
  for (const element of document.querySelectorAll(".ticks")) element.tick?.();
}

// A sentence in which words between backquotes are code.
const prose = (sentence) => sentence.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part));

const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many ?? one + "s"}`;

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) { n /= 1024; at += 1; }
  return `${Number.isInteger(n) ? n : n.toFixed(1)} ${units[at]}`;
}

function amount(resources) {
  const sides = [];
  if (resources?.cpus !== undefined) sides.push(`${resources.cpus} CPU`);
  if (resources?.memoryBytes !== undefined) sides.push(bytes(resources.memoryBytes));
  return sides.join(", ");
}
