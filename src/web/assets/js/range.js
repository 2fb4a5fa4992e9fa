// The time range control: presets, typed input, one range back and forward. The address holds it as since and
// until, in the same words that tomsctl and the API take. A range is [since, until), shown in Japan's time.
import { h, fill, t, iconButton, when } from './ui.js';

const MIN = 60000, HOUR = 60 * MIN, DAY = 24 * HOUR, ZONE = 9 * HOUR;
const UNITS = { s: 1000, m: MIN, h: HOUR, d: DAY, w: 7 * DAY };
const RELATIVE = ['-15m', '-1h', '-24h', '-7d', '-30d'];
const CALENDAR = ['today', 'yesterday', 'week', 'month', 'lastmonth', 'year', 'lastyear'];

const midnight = (ms) => Math.floor((ms + ZONE) / DAY) * DAY - ZONE; // of Japan
const japan = (y, m, d) => Date.UTC(y, m, d) - ZONE;
export const iso = (ms) => `${new Date(ms + ZONE).toISOString().slice(0, 19)}+09:00`;

function calendar(name, now) {
	const d = new Date(now + ZONE), y = d.getUTCFullYear(), m = d.getUTCMonth(), today = midnight(now);
	const fiscal = m >= 3 ? y : y - 1; // from April
	switch (name) {
	case 'today': return [today, now];
	case 'yesterday': return [today - DAY, today];
	case 'week': return [today - (d.getUTCDay() + 6) % 7 * DAY, now];
	case 'month': return [japan(y, m, 1), now];
	case 'lastmonth': return [japan(y, m - 1, 1), japan(y, m, 1)];
	case 'year': return [japan(fiscal, 3, 1), now];
	default: return [japan(fiscal - 1, 3, 1), japan(fiscal, 3, 1)];
	}
}

// { since, until } as the API takes them, from and to in ms; open: the range ends now and moves.
export function readRange(url, def = '-24h') {
	const since = url.searchParams.get('since') || def, until = url.searchParams.get('until') || '', now = Date.now();
	const ms = (text) => {
		const m = /^-(\d+)([smhdw])$/.exec(text);
		return m ? now - m[1] * UNITS[m[2]] : Date.parse(text);
	};
	const to = until ? ms(until) : now, from = ms(since);
	return from < to ? { since, until, from, to, open: !until } : { since: def, until: '', from: now - DAY, to: now, open: true };
}

// "2026-11-22 14:05", "11/22 14:05", "14:05", "-2h" as people type them, full-width digits too; ms or NaN.
export function typed(text, now = Date.now()) {
	text = text.normalize('NFKC').trim().replace('T', ' ');
	const relative = /^-(\d+)\s?([mhdw])$/.exec(text);
	if (relative) return now - relative[1] * UNITS[relative[2]];
	const m = /^(?:(?:(\d{4})[-/])?(\d{1,2})[-/](\d{1,2}))?\s*(?:(\d{1,2}):(\d{2}))?$/.exec(text);
	if (!m || !text) return NaN;
	const d = new Date(now + ZONE);
	const day = japan(m[1] ? +m[1] : d.getUTCFullYear(), m[2] ? m[2] - 1 : d.getUTCMonth(), m[3] ? +m[3] : d.getUTCDate());
	return day + (m[4] ? m[4] * HOUR + m[5] * MIN : 0);
}

export function rangeControl(range, setParams) {
	const set = (from, to) => setParams({ since: iso(from), until: iso(to), cursor: null });
	const span = range.to - range.from;
	const preset = RELATIVE.includes(range.since) && range.open ? range.since : 'custom';
	const field = (id, ms) => h('input', { id, size: 16, value: when(ms),
		'aria-label': t(id), 'aria-describedby': 'range-error', autocomplete: 'off' });
	const from = field('range.from', range.from), to = field('range.to', range.to);
	const error = h('p', { class: 'field-error', id: 'range-error', role: 'alert' });
	const choose = (ev) => {
		const value = ev.target.value;
		if (RELATIVE.includes(value)) return setParams({ since: value, until: null, cursor: null });
		if (CALENDAR.includes(value)) return set(...calendar(value, Date.now()));
		from.focus();
		from.select();
	};
	return h('form', { class: 'range', 'aria-label': t('range.title'), onsubmit: (ev) => {
		ev.preventDefault();
		const a = typed(from.value), b = typed(to.value), good = a < b;
		for (const [el, ms] of [[from, a], [to, b]]) el.setAttribute('aria-invalid', String(Number.isNaN(ms) || (!good && a >= b)));
		fill(error, good ? null : t(a >= b ? 'range.order' : 'range.format'));
		if (good) set(a, b);
	} },
	h('select', { 'aria-label': t('range.title'), onchange: choose },
		[...RELATIVE, ...CALENDAR, 'custom'].map((p) => h('option', { value: p, selected: p === preset }, t(`range.${p}`)))),
	iconButton('left', t('range.back'), () => set(range.from - span, range.from)),
	iconButton('right', t('range.next'), () => set(range.to, range.to + span), { disabled: range.to + MIN > Date.now() }),
	from, h('span', { 'aria-hidden': 'true' }, '–'), to,
	h('span', { class: 'small' }, 'JST'), h('button', { type: 'submit' }, t('range.use')), error);
}
