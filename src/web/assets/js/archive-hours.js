// The archive hour by hour: a grid of days and hours, the same as a table, and one hour in a drawer.
import { h, fill, t, lang, named, icon, iconButton, badge, block, empty, num, bytes, when, civil, iso, trouble } from './ui.js';
import { get, withParams } from './data.js';

const HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, SPANS = [7, 14, 31];
// State of an hour as shown: a sealed one that every place has proven is told apart from one that waits to be sent.
const STATES = { proven: ['ok', 'ok'], sealed: ['lock', 'low'], waiting: ['wait', 'unknown'], empty: ['none', 'unknown'], missing: ['high', 'high'], failed: ['critical', 'critical'] };
const stateOf = (o) => o.state !== 'sealed' ? o.state : Object.keys(o.places).length && Object.values(o.places).every((p) => p === 'proven') ? 'proven' : 'sealed';
export const stateBadge = (state) => h('span', { class: `badge ${STATES[state]?.[1] || 'unknown'}` }, icon(STATES[state]?.[0] || 'unknown'), t(`hour.${state}`));
const rowsOf = (o) => Object.values(o.rows).reduce((n, x) => n + x, 0);
const dayStart = (ms) => Date.parse(`${civil(ms).date}T00:00:00+09:00`);
const hourOf = (ms) => Math.round((ms - dayStart(ms)) / HOUR_MS);
const pad = (n) => String(n).padStart(2, '0');

let shown = new Map(); // hour in ms -> its item, of what the grid shows
let drawer = null;

export function hoursBlock(ctx, url) {
	let days = 7, last = 0, seen = '', tableOpen = false, answer = null;
	const spans = h('select', { 'aria-label': t('hours.span'), onchange: (ev) => ctx.setParams({ days: ev.target.value === '7' ? null : ev.target.value }) },
		SPANS.map((n) => h('option', { value: n }, t('hours.days', { n }))));
	const step = (by) => ctx.setParams({ until: last + by * days * DAY_MS >= dayStart(Date.now()) ? null : civil(last + by * days * DAY_MS).date });
	const later = iconButton('right', t('hours.later'), () => step(1));
	const tools = h('div', { class: 'tools' }, iconButton('left', t('hours.earlier'), () => step(-1)), spans, later);
	const card = block(t('archive.part.hours'), async () => {
		const first = last - (days - 1) * DAY_MS, asked = seen;
		card.asked = get('/api/v1/archive/hours', { since: iso(first), until: iso(Math.min(last + DAY_MS, Date.now())) });
		const a = await card.asked;
		if (asked === seen) answer = a;
		return draw(answer.items, first);
	}, { tools });
	const draw = (items, first) => {
		shown = new Map(items.map((o) => [Date.parse(o.hour), o]));
		const list = Array.from({ length: days }, (_, i) => last - i * DAY_MS).filter((day) => day >= first);
		if (!items.length) return empty(t('hours.none'));
		const counts = Object.keys(STATES).map((s) => [s, items.filter((o) => stateOf(o) === s).length]).filter(([, n]) => n);
		const gaps = items.some((o) => o.gaps > 0);
		return [h('figure', {}, grid(list), h('figcaption', {}, t('hours.sentence', { n: num(items.length) }), ' ',
			h('ul', { class: 'legend hour-legend' }, counts.map(([s, n]) => h('li', {}, stateBadge(s), ` ${num(n)}`)), gaps && h('li', {}, h('span', { class: 'gap-mark', 'aria-hidden': 'true' }, '!'), ' ', t('hours.gapmark'))))),
		h('details', { class: 'as-table', 'data-key': 'hours-table', open: tableOpen, ontoggle: (ev) => {
			tableOpen = ev.currentTarget.open;
			if (tableOpen && ev.currentTarget.children.length === 1) ev.currentTarget.append(asTable(items));
		} }, h('summary', {}, t('hours.table')), tableOpen && asTable(items))];
	};
	card.range = (to) => {
		const n = Number(to.searchParams.get('days')), day = Date.parse(`${to.searchParams.get('until')}T00:00:00+09:00`), now = dayStart(Date.now());
		days = SPANS.includes(n) ? n : 7;
		last = day < now ? day : now;
		spans.value = String(days);
		later.disabled = last >= now;
		const was = seen;
		seen = `${days} ${last}`;
		return was !== seen;
	};
	card.range(url);
	card.addEventListener('click', (ev) => {
		const cell = ev.target.closest('[data-hour]');
		if (cell) ctx.setParams({ hour: iso(Number(cell.dataset.hour)) });
	});
	card.addEventListener('keydown', (ev) => moveIn(card, ev));
	return card;
}

function grid(days) {
	const weekday = new Intl.DateTimeFormat(lang, { weekday: 'short', timeZone: 'Asia/Tokyo' });
	const cell = (day, n) => {
		const at = day + n * HOUR_MS, o = shown.get(at);
		if (!o) return h('td', { role: 'gridcell' }, h('span', { class: 'cell nothing' }, h('span', { class: 'hour-number', 'aria-hidden': 'true' }, n)));
		const state = stateOf(o), [shape, colour] = STATES[state] || ['unknown', 'unknown'];
		const name = [`${civil(at).md} ${t('hour.at', { n })}`, t(`hour.${state}`), t('hour.rows', { n: num(rowsOf(o)) }), o.gaps > 0 && t('hour.gaps', { n: num(o.gaps) })].filter(Boolean).join(t('list.comma'));
		return h('td', { role: 'gridcell' }, h('button', { type: 'button', class: `cell ${colour}`, 'data-hour': at, 'data-key': `hour-${at}`, 'data-state': state, 'aria-label': name, title: name, tabindex: -1 },
			h('span', { class: 'hour-number' }, n), icon(shape), h('span', { class: 'cell-word' }, t(`hour.short.${state}`)), o.gaps > 0 && h('span', { class: 'gap-mark' }, '!')));
	};
	const table = h('table', { class: 'hours', role: 'grid', 'aria-label': t('hours.grid') },
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, h('th', { scope: 'col', role: 'columnheader' }, t('hours.jst')), Array.from({ length: 24 }, (_, n) => h('th', { scope: 'col', role: 'columnheader' }, n)))),
		h('tbody', { role: 'rowgroup' }, days.map((day) => h('tr', { role: 'row', class: Array.from({ length: 24 }, (_, n) => day + n * HOUR_MS).some((at) => shown.has(at)) ? '' : 'no-hours' }, h('th', { scope: 'row', role: 'rowheader' }, civil(day).md, ' ', h('span', { class: 'small' }, weekday.format(day))),
			Array.from({ length: 24 }, (_, n) => cell(day, n))))));
	const buttons = [...table.querySelectorAll('[data-hour]')].sort((a, b) => b.dataset.hour - a.dataset.hour);
	if (buttons.length) buttons[0].tabIndex = 0; // the newest hour is the way in by keyboard
	return table;
}
// Arrows go by hours and days, Home and End to the ends of a day.
function moveIn(card, ev) {
	const at = ev.target.closest?.('.hours [data-hour]');
	const ways = { ArrowLeft: -HOUR_MS, ArrowRight: HOUR_MS, ArrowUp: DAY_MS, ArrowDown: -DAY_MS };
	if (!at || !(ev.key in ways || ev.key === 'Home' || ev.key === 'End')) return;
	const ms = Number(at.dataset.hour), row = [...at.closest('tr').querySelectorAll('[data-hour]')];
	const to = ev.key === 'Home' ? row[0] : ev.key === 'End' ? row.at(-1) : card.querySelector(`.hours [data-hour="${ms + ways[ev.key]}"]`);
	ev.preventDefault();
	if (!to) return;
	at.tabIndex = -1;
	to.tabIndex = 0;
	to.focus();
}

const placeWords = (o) => Object.entries(o.places).map(([name, state]) => `${name} ${t(`copy.${state}`)}`).join(t('list.comma')) || '—';
function asTable(items) {
	return h('div', { class: 'table-place', tabindex: 0, role: 'region', 'aria-label': t('hours.table') }, h('table', {}, h('thead', {}, h('tr', {},
		[['hour.col.hour'], ['col.state'], ['hour.col.seqs', 1], ['hour.col.rows', 1], ['hour.col.bytes', 1], ['hour.col.places'], ['hour.col.gaps', 1]].map(([key, n]) => h('th', { scope: 'col', class: n ? 'n' : '' }, t(key))))),
	h('tbody', {}, [...items].reverse().map((o) => h('tr', {}, h('th', { scope: 'row' }, h('button', { type: 'button', class: 'value', 'data-hour': Date.parse(o.hour) }, when(o.hour))),
		h('td', {}, stateBadge(stateOf(o))), h('td', { class: 'n' }, o.seqs.join(', ') || '—'), h('td', { class: 'n' }, num(rowsOf(o))), h('td', { class: 'n' }, bytes(o.bytes)),
		h('td', {}, placeWords(o)), h('td', { class: 'n' }, o.gaps > 0 ? badge('high', num(o.gaps)) : '0'))))));
}

// One hour. Closing gives the focus back to its cell.
export function closeHour() {
	drawer?.remove();
	drawer = null;
}
export function openHour(url, ctx) {
	const at = Date.parse(url.searchParams.get('hour') || ''), o = shown.get(at);
	if (!o) {
		const back = drawer?.dataset.at;
		closeHour();
		return void (back && document.querySelector(`.hours [data-hour="${back}"]`)?.focus());
	}
	const close = () => ctx.setParams({ hour: null }), step = (by) => shown.has(at + by * HOUR_MS) && ctx.setParams({ hour: iso(at + by * HOUR_MS) }, { replace: true });
	const next = (shape, word, by) => iconButton(shape, t(word), () => step(by), { disabled: !shown.has(at + by * HOUR_MS) });
	if (!drawer) document.body.append(drawer = h('aside', { class: 'drawer', role: 'dialog', 'aria-labelledby': 'drawer-title' }));
	drawer.dataset.at = at;
	drawer.onkeydown = (ev) => { if (ev.key === 'Escape') close(); else if (ev.key === 'j' || ev.key === 'k') step(ev.key === 'j' ? -1 : 1); };
	const title = h('h2', { id: 'drawer-title', tabindex: -1 }, `${when(at)} – ${pad((hourOf(at) + 1) % 24)}:00 JST`);
	fill(drawer, h('header', { class: 'card-head' }, title, h('div', {}, next('left', 'hours.before', -1), next('right', 'hours.after', 1), iconButton('close', t('do.close'), close))), details(o)).scrollTop = 0;
	title.focus();
}
function details(o) {
	const state = stateOf(o), kinds = Object.entries(o.rows);
	return [h('p', { class: 'lead' }, stateBadge(state), ' ', t(`hour.means.${state}`)),
		h('dl', {}, pair('hour.col.rows', num(rowsOf(o))), pair('hour.col.bytes', bytes(o.bytes)),
			kinds.map(([kind, n]) => [h('dt', {}, named('record', kind)), h('dd', {}, num(n))])),
		h('h3', {}, t('hour.col.places')), Object.keys(o.places).length ? h('ul', { class: 'checks' }, Object.entries(o.places).map(([name, s]) =>
			h('li', {}, badge(COPY[s] || 'unknown', t(`copy.${COPY[s] ? s : 'waiting'}`)), h('span', { class: 'wrap' }, name)))) : h('p', { class: 'small' }, t(o.seqs.length ? 'hour.noplaces' : 'hour.notyet')),
		h('h3', {}, t('hour.manifests')), o.seqs.length ? o.seqs.map(manifest) : h('p', { class: 'small' }, t('hour.notyet'))];
}
const COPY = { proven: 'ok', waiting: 'low', sending: 'low', failed: 'high' };
const pair = (word, value) => [h('dt', {}, t(word)), h('dd', {}, value)];

function manifest(seq) {
	const body = h('div', {}, h('p', { class: 'small' }, t('state.loading'))), path = `/api/v1/archive/manifests/${seq}`;
	const load = () => get(path).then((m) => fill(body, inside(m)), (problem) => fill(body, trouble(problem, load)));
	load();
	return h('section', { class: 'manifest' }, h('p', {}, h('strong', {}, t('hour.manifest', { seq: num(seq) })), ' ',
		h('a', { href: withParams(path), download: `tomsd-manifest-${String(seq).padStart(10, '0')}.json` }, icon('down'), ' ', t('hour.download'))), body);
}
function inside(m) {
	const gaps = m.gaps || [];
	return [h('dl', {}, pair('hour.span', `${when(m.since, true)} – ${when(m.until, true)}`), pair('hour.sealedat', when(m.clock?.sealed_at, true)),
		m.clock?.state && m.clock.state !== 'steady' && pair('hour.clock', badge('high', t(`clock.${m.clock.state}`))),
		pair('hour.objects', num((m.objects || []).length)), pair('hour.lock', lockWords(m.objects?.[0]?.lock))),
	h('h4', {}, t('hour.col.gaps')), gaps.length ? h('ul', { class: 'events' }, gaps.slice(0, 50).map((g) => h('li', {}, badge('high', named('gapkind', g.kind)), ' ', g.name && h('strong', {}, `${g.name} `),
		h('span', { class: 'small' }, `${when(g.since, true)} – ${g.ongoing ? t('hour.ongoing') : when(g.until, true)}`, g.lost > 0 && ` ${t('gap.lost', { n: num(g.lost) })}`))))
		: h('p', { class: 'small' }, t('hour.nogaps'))];
}
export function lockWords(lock) {
	if (!lock?.keep_s) return t('lock.off');
	return t('lock.for', { mode: named('lock', lock.mode.toLowerCase()), n: num(Math.round(lock.keep_s / 86400)) });
}
