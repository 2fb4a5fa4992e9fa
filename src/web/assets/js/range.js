// The time range control: presets, typed input, one range back and forward. The address holds it as
// since/until in the same words that tomsctl and the API take.
import { h, t, when } from './ui.js';

const MIN = 60000, HOUR = 60 * MIN, DAY = 24 * HOUR, ZONE = 9 * HOUR;
const RELATIVE = { '-15m': 15 * MIN, '-1h': HOUR, '-24h': DAY, '-7d': 7 * DAY, '-30d': 30 * DAY };
const CALENDAR = ['today', 'yesterday', 'week', 'month', 'lastmonth', 'year'];

const midnight = (ms) => Math.floor((ms + ZONE) / DAY) * DAY - ZONE; // of Japan
const japan = (y, m, d) => Date.UTC(y, m, d) - ZONE;
const iso = (ms) => new Date(ms + ZONE).toISOString().slice(0, 19) + '+09:00';

function calendar(name, now) {
	const d = new Date(now + ZONE), y = d.getUTCFullYear(), m = d.getUTCMonth(), today = midnight(now);
	switch (name) {
	case 'today': return [today, now];
	case 'yesterday': return [today - DAY, today];
	case 'week': return [today - (d.getUTCDay() + 6) % 7 * DAY, now];
	case 'month': return [japan(y, m, 1), now];
	case 'lastmonth': return [japan(y, m - 1, 1), japan(y, m, 1)];
	default: return [japan(m >= 3 ? y : y - 1, 3, 1), now]; // fiscal year from April
	}
}

// { since, until } as the API takes them, and from/to in ms for axes.
export function readRange(url, def = '-24h') {
	const since = url.searchParams.get('since') || def, until = url.searchParams.get('until') || '';
	const now = Date.now();
	const ms = (text) => {
		const m = /^-(\d+)([smhdw])$/.exec(text);
		if (m) return now - m[1] * { s: 1000, m: MIN, h: HOUR, d: DAY, w: 7 * DAY }[m[2]];
		return Date.parse(text);
	};
	const to = until ? ms(until) : now;
	let from = ms(since);
	if (!(from < to)) from = to - DAY;
	return { since, until, from, to, absolute: { since: iso(from), until: iso(to) } };
}

// "2026-11-22 14:05", "11/22 14:05", "14:05", "-2h" as a person types them; ms or NaN.
export function typed(text, now = Date.now()) {
	text = text.trim().replace('T', ' ');
	const rel = /^-(\d+)([mhd])$/.exec(text);
	if (rel) return now - rel[1] * { m: MIN, h: HOUR, d: DAY }[rel[2]];
	const m = /^(?:(?:(\d{4})[-/])?(\d{1,2})[-/](\d{1,2}))?\s*(?:(\d{1,2}):(\d{2}))?$/.exec(text);
	if (!m || !text) return NaN;
	const d = new Date(now + ZONE);
	return japan(m[1] ? +m[1] : d.getUTCFullYear(), m[2] ? m[2] - 1 : d.getUTCMonth(), m[3] ? +m[3] : d.getUTCDate())
		+ (m[4] ? m[4] * HOUR + m[5] * MIN : 0);
}

export function rangeControl(range, setParams) {
	const set = (from, to) => setParams({ since: iso(from), until: iso(to), cursor: null });
	const span = range.to - range.from;
	const preset = Object.hasOwn(RELATIVE, range.since) && !range.until ? range.since : 'custom';
	const from = h('input', { id: 'range-from', size: 16, value: when(range.from), 'aria-label': t('range.from') });
	const to = h('input', { id: 'range-to', size: 16, value: when(range.to), 'aria-label': t('range.to') });
	const choose = (ev) => {
		const value = ev.target.value;
		if (value in RELATIVE) return setParams({ since: value, until: null, cursor: null });
		if (CALENDAR.includes(value)) return set(...calendar(value, Date.now()));
		ev.target.form.querySelector('#range-from').focus();
	};
	return h('form', { class: 'range', onsubmit: (ev) => {
		ev.preventDefault();
		const a = typed(from.value), b = typed(to.value);
		from.setAttribute('aria-invalid', String(!(a < b)));
		if (a < b) set(a, b);
	} },
	h('button', { type: 'button', title: t('range.back'), 'aria-label': t('range.back'), onclick: () => set(range.from - span, range.from) }, '◀'),
	h('select', { 'aria-label': t('range.title'), onchange: choose },
		[...Object.keys(RELATIVE), ...CALENDAR, 'custom'].map((p) => h('option', { value: p, selected: p === preset }, t(`range.${p}`)))),
	h('span', { class: 'range-typed' }, from, '–', to, h('button', { type: 'submit' }, t('range.use'))),
	h('button', { type: 'button', title: t('range.next'), 'aria-label': t('range.next'), disabled: range.to + span > Date.now() + MIN,
		onclick: () => set(range.to, range.to + span) }, '▶'),
	h('span', { class: 'small' }, 'JST'));
}
