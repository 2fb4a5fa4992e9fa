// Building blocks of every page: DOM from text only, words, numbers and times, icons, block states.

// h('p', {class: 'x', onclick: f}, 'text', node, [more]) -> element. Strings become text nodes, so
// nothing that comes from the network can turn into markup. Names with svg: make SVG elements.
export function h(name, props, ...kids) {
	const el = name.startsWith('svg:')
		? document.createElementNS('http://www.w3.org/2000/svg', name.slice(4))
		: document.createElement(name);
	for (const [key, value] of Object.entries(props || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
		else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'indeterminate')
			el[key] = value;
		else el.setAttribute(key, value === true ? '' : value);
	}
	put(el, kids);
	return el;
}

export function put(el, ...kids) {
	for (const kid of kids.flat(Infinity)) {
		if (kid === undefined || kid === null || kid === false) continue;
		el.append(kid instanceof Node ? kid : String(kid));
	}
	return el;
}

export function fill(el, ...kids) {
	el.replaceChildren();
	return put(el, ...kids);
}

// Words. Files in words/ hold every sentence; a key without one shows itself, and a test fails on it.
let words = {};
export let lang = 'ja';
export async function useLanguage(code) {
	const answer = await fetch(`/words/${code === 'en' ? 'en' : 'ja'}.json`);
	words = await answer.json();
	lang = code === 'en' ? 'en' : 'ja';
	document.documentElement.lang = lang;
}
export function t(key, args) {
	let text = words[key];
	if (text === undefined) return key;
	for (const [name, value] of Object.entries(args || {})) text = text.replaceAll(`{${name}}`, value);
	return text;
}
export const hasWord = (key) => words[key] !== undefined;

// Numbers, sizes, times. Times are always Japan's, whatever the PC is set to.
const ZONE = 'Asia/Tokyo';
const parts = new Intl.DateTimeFormat('en-CA', {
	timeZone: ZONE, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
	hour: '2-digit', minute: '2-digit', second: '2-digit',
});
export function civil(ms) {
	const p = Object.fromEntries(parts.formatToParts(new Date(ms)).map((x) => [x.type, x.value]));
	return { date: `${p.year}-${p.month}-${p.day}`, hm: `${p.hour}:${p.minute}`, s: p.second, md: `${p.month}-${p.day}` };
}
export const num = (n) => new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 }).format(n);
export function bytes(n) {
	if (n === undefined || n === null) return '—';
	const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
	let i = 0;
	while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
	return `${i && n < 100 ? n.toFixed(1) : num(Math.round(n))} ${units[i]}`;
}
export function bitrate(n) {
	const units = ['bps', 'kbps', 'Mbps', 'Gbps', 'Tbps'];
	let i = 0;
	while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
	return `${i && n < 100 ? n.toFixed(1) : num(Math.round(n))} ${units[i]}`;
}
export function when(iso, seconds) {
	if (!iso) return '—';
	const c = civil(typeof iso === 'number' ? iso : Date.parse(iso));
	return `${c.date} ${c.hm}${seconds ? `:${c.s}` : ''}`;
}
export const clock = (iso) => civil(typeof iso === 'number' ? iso : Date.parse(iso)).hm;
export function duration(ns) {
	if (ns === undefined || ns === null) return '—';
	const s = ns / 1e9;
	if (s < 1) return t('dur.ms', { n: num(Math.round(s * 1000)) });
	if (s < 60) return t('dur.s', { n: num(Math.round(s * 10) / 10) });
	if (s < 3600) return t('dur.ms2', { m: Math.floor(s / 60), s: Math.floor(s % 60) });
	if (s < 86400) return t('dur.hm', { h: Math.floor(s / 3600), m: Math.floor(s % 3600 / 60) });
	return t('dur.dh', { d: Math.floor(s / 86400), h: Math.floor(s % 86400 / 3600) });
}

// Icons: shape says the severity too, never colour alone.
const shapes = {
	critical: ['M5.5 1h5L15 5.5v5L10.5 15h-5L1 10.5v-5z', 'M8 4.5v4M8 11v.5'],
	high: ['M8 1.5 15 14H1z', 'M8 6v4M8 12v.3'],
	medium: ['M8 1l7 7-7 7-7-7z', 'M8 4.5v4M8 11v.3'],
	low: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M4.5 8h7'],
	ok: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M4.5 8.2l2.4 2.4 4.6-5'],
	unknown: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M6 6.2c0-2.6 4-2.6 4 0 0 1.6-2 1.6-2 3.3M8 11.6v.3'],
	overview: ['', 'M2 8l6-6 6 6M4 7v7h8V7'],
	traffic: ['', 'M1 5h11l-3-3M15 11H4l3 3'],
	system: ['', 'M2 3h12v4H2zM2 9h12v4H2zM4.5 5h.1M4.5 11h.1'],
	close: ['', 'M3 3l10 10M13 3L3 13'],
	menu: ['', 'M2 4h12M2 8h12M2 12h12'],
	search: ['', 'M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM11 11l4 4'],
	copy: ['', 'M5 5h9v9H5zM2 11V2h9'],
};
export function icon(name, label) {
	const [body, line] = shapes[name] || shapes.unknown;
	return h('svg:svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', width: 16, height: 16,
		'aria-hidden': label ? undefined : 'true', role: label ? 'img' : undefined, 'aria-label': label },
		body && h('svg:path', { d: body, class: 'icon-body' }), h('svg:path', { d: line, class: 'icon-line' }));
}
// Severity or state as icon and word together.
export function badge(level, text) {
	return h('span', { class: `badge ${level}` }, icon(level), text || t(`level.${level}`));
}

// One block of a page. load() returns nodes or throws; the six states are shown here.
export function block(title, load, options = {}) {
	const body = h('div', { class: 'block-body' });
	const heading = h('h2', {}, title);
	const el = h('section', { class: `card ${options.class || ''}`, 'aria-label': title },
		h('header', { class: 'card-head' }, heading, options.tools), body);
	let run = 0;
	el.refresh = async () => {
		const mine = ++run;
		const skeleton = setTimeout(() => {
			if (mine === run && !body.firstChild)
				fill(body, h('div', { class: 'skeleton', role: 'status' }, t('state.loading')));
		}, 300);
		try {
			const nodes = await load();
			if (mine !== run) return;
			el.classList.remove('stale');
			fill(body, nodes);
		} catch (problem) {
			if (mine !== run || problem.name === 'AbortError') return;
			fill(body, trouble(problem, el.refresh));
		} finally {
			clearTimeout(skeleton);
		}
	};
	return el;
}
// What failed, why, what to do; a retry button and the number to quote.
export function trouble(problem, retry) {
	if (problem.status === 403)
		return h('p', { class: 'note' }, t('state.denied'));
	return h('div', { class: 'trouble', role: 'alert' },
		h('p', {}, icon('high'), problem.detail || problem.message || t('state.failed')),
		problem.request_id && h('p', { class: 'small' }, t('state.number', { id: problem.request_id })),
		retry && h('button', { type: 'button', onclick: retry }, t('do.retry')));
}
export const empty = (text, action) => h('div', { class: 'empty' }, h('p', {}, text), action);

export function copyButton(text) {
	return h('button', { type: 'button', class: 'quiet', title: t('do.copy'), 'aria-label': t('do.copy'),
		onclick: (ev) => {
			ev.stopPropagation();
			navigator.clipboard?.writeText(text).then(() => announce(t('state.copied')));
		} }, icon('copy'));
}

// Polite live region; at most one message in ten seconds.
let region, lastSaid = 0;
export function announce(text) {
	if (!region) document.body.append(region = h('div', { class: 'reader-only', 'aria-live': 'polite' }));
	if (Date.now() - lastSaid < 10000 && region.textContent) return;
	lastSaid = Date.now();
	region.textContent = text;
}
