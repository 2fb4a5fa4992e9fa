// Building blocks of every page: DOM from text only, words, numbers and times, icons, block states.

// h('p', {class: 'x', onclick: f}, 'text', node, [more]) -> element. Strings become text nodes, so nothing
// that comes from the network can turn into markup. Names with svg: make SVG elements.
export function h(name, props, ...kids) {
	const el = name.startsWith('svg:')
		? document.createElementNS('http://www.w3.org/2000/svg', name.slice(4))
		: document.createElement(name);
	for (const [key, value] of Object.entries(props || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
		else if (key === 'value' || key === 'checked' || key === 'disabled') el[key] = value;
		else el.setAttribute(key, value === true ? '' : key === 'title' || key === 'aria-label' ? visible(value) : value);
	}
	return put(el, kids);
}
export function put(el, ...kids) {
	for (const kid of kids.flat(Infinity)) {
		if (kid === undefined || kid === null || kid === false) continue;
		el.append(kid instanceof Node ? kid : visible(kid));
	}
	return el;
}
// Devices may send signs that turn text around, hide it or ring a bell: they are shown by name instead.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
export const visible = (text) => String(text).replace(HIDDEN, (sign) => {
	const code = sign.codePointAt(0);
	return code < 32 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
});
export function fill(el, ...kids) {
	el.replaceChildren();
	return put(el, ...kids);
}

// Makes what is shown look like a new tree by changing only what differs: focus, selection, opened details
// and scroll positions stay, nothing flashes. Listeners stay the old ones, so they must not hold data.
export function morph(from, to) {
	if (from === to) return;
	if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return void from.replaceWith(to);
	if (from.nodeType !== Node.ELEMENT_NODE) {
		if (from.data !== to.data) from.data = to.data;
		return;
	}
	for (const { name } of [...from.attributes])
		if (!to.hasAttribute(name) && name !== 'open') from.removeAttribute(name);
	for (const { name, value } of [...to.attributes])
		if (from.getAttribute(name) !== value) from.setAttribute(name, value);
	const old = [...from.childNodes];
	[...to.childNodes].forEach((kid, i) => old[i] ? morph(old[i], kid) : from.append(kid));
	old.slice(to.childNodes.length).forEach((gone) => gone.remove());
}

// Words. Files in words/ hold every sentence; a key without one shows itself, and a test fails on it.
let words = {};
export let lang = 'ja';
export async function useLanguage(code) {
	lang = code === 'en' ? 'en' : 'ja';
	words = await (await fetch(`/words/${lang}.json`)).json();
	document.documentElement.lang = lang;
}
export function t(key, args) {
	let text = words[key];
	if (text === undefined) return key;
	for (const [name, value] of Object.entries(args || {})) text = text.replaceAll(`{${name}}`, value);
	return text;
}
export const hasWord = (key) => words[key] !== undefined;
// A name that comes as data (a room, a protocol, a risk): in words where there are some, else as it is.
export const named = (kind, name) => hasWord(`${kind}.${name}`) ? words[`${kind}.${name}`] : name;

// Numbers, sizes, times. Times are always Japan's, whatever the PC is set to.
const parts = new Intl.DateTimeFormat('en-CA', {
	timeZone: 'Asia/Tokyo', hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
	hour: '2-digit', minute: '2-digit', second: '2-digit',
});
export function civil(ms) {
	const p = Object.fromEntries(parts.formatToParts(new Date(ms)).map((x) => [x.type, x.value]));
	return { date: `${p.year}-${p.month}-${p.day}`, hm: `${p.hour}:${p.minute}`, s: p.second, md: `${p.month}/${p.day}` };
}
const toMs = (at) => typeof at === 'number' ? at : Date.parse(at);
export function when(at, seconds) {
	if (!at) return '—';
	const c = civil(toMs(at));
	return `${c.date} ${c.hm}${seconds ? `:${c.s}` : ''}`;
}
export const clock = (at) => civil(toMs(at)).hm;
export const iso = (ms) => `${new Date(ms + 9 * 3600000).toISOString().slice(0, 19)}+09:00`;

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
export const num = (n) => grouped.format(n);
// Three digits that count; short drops ".0" (axes), the rest keeps it so that columns line up.
function scaled(n, units, short) {
	if (n === undefined || n === null) return '—';
	let i = 0;
	while (n >= 999.5 && i < units.length - 1) { n /= 1000; i++; }
	return `${i && n < 99.95 && !short ? n.toFixed(1) : i ? num(n < 99.95 ? n : Math.round(n)) : num(Math.round(n))} ${units[i]}`;
}
export const bytes = (n, short) => scaled(n, ['B', 'KB', 'MB', 'GB', 'TB', 'PB'], short);
export const bitrate = (n, short) => scaled(n, ['bps', 'kbps', 'Mbps', 'Gbps', 'Tbps'], short);
export function percent(ratio) {
	if (ratio > 0 && ratio < 0.0001) return '< 0.01 %';
	return `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.01 ? 2 : ratio >= 1 || ratio === 0 ? 0 : 1)} %`;
}
export function duration(ns) {
	if (ns === undefined || ns === null) return '—';
	const s = ns / 1e9;
	if (ns === 0) return t('dur.s', { n: 0 });
	if (s < 0.001) return t('dur.us', { n: num(Math.round(ns / 1000)) });
	if (s < 1) return t('dur.ms', { n: num(Math.round(s * 1000)) });
	if (s < 60) return t('dur.s', { n: s.toFixed(1) });
	if (s < 3600) return t('dur.min', { m: Math.floor(s / 60), s: Math.floor(s % 60) });
	if (s < 86400) return t('dur.hm', { h: Math.floor(s / 3600), m: Math.floor(s % 3600 / 60) });
	return t('dur.dh', { d: Math.floor(s / 86400), h: Math.floor(s % 86400 / 3600) });
}
// A round time, as of a step or a habit: "15 min", "2 h", "1 d".
export const spell = (seconds) => {
	const [n, word] = seconds < 120 ? [seconds, 's'] : seconds < 7200 ? [seconds / 60, 'm'] : seconds < 172800 ? [seconds / 3600, 'h'] : [seconds / 86400, 'd'];
	return t(`spell.${word}`, { n: num(Math.round(n * 10) / 10) });
};
export const exact = (n) => h('span', { title: n === undefined ? undefined : `${num(n)} B` }, bytes(n));

// Icons: shape says the severity too, never colour alone. Body (closed shape), then lines.
const shapes = {
	critical: ['M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z', 'M8 4.5v4.2M8 11.4v.1'],
	high: ['M8 1.6 15 14.2H1z', 'M8 6v4M8 12v.1'],
	medium: ['M8 .8 15.2 8 8 15.2.8 8z', 'M8 4.6v4M8 11v.1'],
	low: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M4.8 8h6.4'],
	ok: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M4.6 8.2l2.4 2.4 4.4-4.8'],
	unknown: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M6 6.3c0-2.6 4-2.6 4 0 0 1.6-2 1.6-2 3.2M8 11.7v.1'],
	info: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M8 7.2v4M8 4.6v.1'],
	overview: ['', 'M1.5 8 8 2l6.5 6M3.5 6.8V14h9V6.8M6.5 14v-4h3v4'],
	traffic: ['', 'M1 5h12M10 2l3 3-3 3M15 11H3M6 8l-3 3 3 3'],
	system: ['', 'M2 2.5h12v4.2H2zM2 9.3h12v4.2H2zM4.6 4.6h.1M4.6 11.4h.1M8 4.6h3.6M8 11.4h3.6'],
	close: ['', 'M3.5 3.5l9 9M12.5 3.5l-9 9'],
	menu: ['', 'M2 4h12M2 8h12M2 12h12'],
	search: ['', 'M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM10.8 10.8 15 15'],
	copy: ['', 'M5.5 5.5h8v8h-8zM2.5 10.5v-8h8'],
	not: ['', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM3.8 12.2l8.4-8.4'],
	left: ['', 'M10 3 5 8l5 5'],
	right: ['', 'M6 3l5 5-5 5'],
	user: ['', 'M8 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM2.5 14.5c0-6 11-6 11 0'],
	down: ['', 'M8 2v8M4.5 7 8 10.5 11.5 7M3 14h10'],
	logs: ['', 'M3 1.5h10v13H3zM5.5 5h5M5.5 8h5M5.5 11h3'],
	again: ['', 'M13.5 8a5.5 5.5 0 1 1-1.6-3.9M12.2 1.2v3.2H9'],
	plus: ['', 'M8 3v10M3 8h10'],
	archive: ['', 'M1.5 2.5h13v3.4h-13zM2.8 5.9v7.6h10.4V5.9M6 8.7h4'],
	lock: ['', 'M3.5 7h9v7h-9zM5.5 7V4.6a2.5 2.5 0 0 1 5 0V7M8 10v1.4'],
	wait: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M8 4.4V8l2.6 1.8'],
	none: ['', 'M4 8h8'],
	print: ['', 'M4.5 6V2h7v4M4.5 11.5h-3V6h13v5.5h-3M4.5 9.5h7v4.5h-7z'],
	star: ['', 'M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.5l-3.9 2.1.9-4.3-3.2-3 4.3-.5z'],
};
export function icon(name) {
	const [body, line] = shapes[name] || shapes.unknown;
	return h('svg:svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
		body && h('svg:path', { d: body, class: 'icon-body' }), h('svg:path', { d: line, class: 'icon-line' }));
}
export const badge = (level, text) => h('span', { class: `badge ${level}` }, icon(level), text || t(`level.${level}`));
// Of a score of risk.
export const levelOf = (score) => [[250, 'critical'], [100, 'high'], [50, 'medium'], [1, 'low']].find(([least]) => score >= least)?.[1];
// A button that shows only an icon; its name is for readers and for the pointer that rests on it.
export const iconButton = (shape, name, onclick, props) =>
	h('button', { type: 'button', class: 'quiet', title: name, 'aria-label': name, onclick, ...props }, icon(shape));

// One block of a page. load() returns nodes or throws; loading, empty, error, denied and stale are shown here.
// options.live: later answers change only what differs. options.tools stands beside the heading.
export function block(title, load, options = {}) {
	const body = h('div', { class: 'block-body' }), note = h('div', {});
	const el = h('section', { class: `card ${options.class || ''}`, 'aria-label': title },
		h('header', { class: 'card-head' }, h('h2', {}, title), options.tools), note, body);
	let run = 0, goodAt = 0;
	el.refresh = async () => {
		const mine = ++run;
		const skeleton = setTimeout(() => mine === run && !body.firstChild
			&& fill(body, h('div', { class: 'skeleton', role: 'status' }, t('state.loading'))), 300);
		try {
			const nodes = await load();
			if (mine !== run) return;
			if (nodes instanceof Node && nodes.parentNode === body); // a chart has drawn itself anew
			else if (options.live && goodAt) morph(body, put(h('div', { class: 'block-body' }), nodes));
			else fill(body, nodes);
			goodAt = Date.now();
			el.classList.remove('stale');
			fill(note);
		} catch (problem) {
			if (mine !== run || problem.status === 401) return; // 401: signing in again comes over the page
			if (!(problem.status >= 0)) console.error(problem); // our own mistake, not an answer
			const keep = goodAt > 0 && problem.status !== 403;
			el.classList.toggle('stale', keep);
			fill(keep ? note : body, keep && h('p', { class: 'small' }, t('state.stale', { at: clock(goodAt) })),
				!(keep && problem.status === 0) && trouble(problem, el.refresh)); // unreachable: the bar says so once
		} finally {
			clearTimeout(skeleton);
		}
	};
	return el;
}
// A block far down is asked for when it comes into sight; paper leaves it out until then.
export function whenSeen(el) {
	const watch = new IntersectionObserver((seen) => {
		if (!seen.some((s) => s.isIntersecting)) return;
		watch.disconnect();
		el.classList.remove('unseen');
		fill(el.querySelector('.block-body'));
		el.refresh();
	});
	el.classList.add('unseen');
	fill(el.querySelector('.block-body'), h('p', { class: 'small' }, t('state.unseen')));
	watch.observe(el);
	return el;
}
// What failed, why, what to do; the number to quote, and a button to try again.
export function trouble(problem, retry) {
	if (problem.status === 403) return h('p', { class: 'note' }, icon('unknown'), problem.detail || t('state.denied'));
	return h('div', { class: 'trouble', role: 'alert' },
		h('p', {}, icon('high'), problem.detail || t('state.failed')),
		problem.request_id && h('p', { class: 'small' }, t('state.number', { id: problem.request_id })),
		retry && h('button', { type: 'button', onclick: retry }, t('do.retry')));
}
export const empty = (text, action) => h('div', { class: 'empty' }, h('p', {}, text), action);
export const fact = (name, value, note) =>
	h('div', {}, h('dt', {}, name), h('dd', {}, value ?? '—', note && h('span', { class: 'small' }, ` ${note}`)));
export const help = (key) => h('details', { class: 'what' }, h('summary', {}, t('help.what')), h('p', {}, t(`help.${key}`)));

// A question over the page; the safe button has the focus, or the first field. act() is done on the other one; what it
// throws stands below, and under the fields that are to blame (by the ends of their ids).
export function question({ title, body, go, danger, act, first, wide }) {
	const note = h('div', { role: 'alert' });
	const send = h('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, go);
	const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, t('do.cancel'));
	const form = h('form', { class: 'card', novalidate: true, onsubmit: async (ev) => {
		ev.preventDefault();
		if (send.disabled) return;
		send.disabled = true;
		fill(note);
		try {
			if (await act(form) !== false) return dialog.close();
		} catch (problem) {
			fill(note, trouble(problem));
			blame(form, (problem.errors || []).map((e) => ({ field: (e.pointer || '').slice(1), text: e.detail })));
		}
		send.disabled = false;
	} }, h('h2', { id: 'question-title' }, title), body, note, h('div', { class: 'buttons end' }, cancel, send));
	const dialog = h('dialog', { class: wide ? 'box wide' : 'box', 'aria-labelledby': 'question-title', onclose: () => {
		dialog.remove();
		// What was pressed may have been drawn anew meanwhile.
		if (back && document.activeElement === document.body) document.querySelector(`[data-key="${CSS.escape(back)}"]`)?.focus();
	} }, form), back = document.activeElement?.dataset.key;
	document.body.append(dialog);
	dialog.showModal();
	(first ? form.querySelector(first) : cancel).focus();
	return dialog;
}
// Text under each field that is to blame (#x-NAME with #x-NAME-error below it); the first one gets the focus.
export function blame(form, errors) {
	let focused = false;
	for (const input of form.querySelectorAll('input, select, textarea')) {
		const place = form.querySelector(`#${CSS.escape(`${input.id}-error`)}`), mine = place && errors.find((e) => input.id.endsWith(`-${e.field}`));
		if (!place) continue;
		fill(place, mine && [icon('high'), ' ', mine.text]);
		if (mine) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
		if (mine && !focused) { input.focus(); focused = true; }
	}
	return errors.length > 0;
}
// A field of a form: label, what may be said about it, its error.
export const field = (id, label, input, hint) => [h('label', { for: id }, label),
	hint && h('p', { class: 'small', id: `${id}-hint` }, hint),
	(input.id = id, input.setAttribute('aria-describedby', `${hint ? `${id}-hint ` : ''}${id}-error`), input),
	h('p', { class: 'field-error', id: `${id}-error` })];

export const copy = (text) => navigator.clipboard?.writeText(text).then(() => announce(t('state.copied')));

// Polite live region; at most one message in ten seconds, the newest one.
let region, lastSaid = 0, waiting = 0;
export function announce(text) {
	if (!region) document.body.append(region = h('div', { class: 'reader-only', 'aria-live': 'polite' }));
	clearTimeout(waiting);
	waiting = setTimeout(() => { lastSaid = Date.now(); region.textContent = text; }, Math.max(0, lastSaid + 10000 - Date.now()));
}
