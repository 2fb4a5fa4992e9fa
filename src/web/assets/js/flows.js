// The flow table: sortable heads, pages by cursor, rows and values by keyboard, and the menu of a value.
import { h, t, named, icon, badge, block, empty, num, when, duration, exact, copy } from './ui.js';
import { get } from './data.js';
import { gapText, gapList } from './charts.js';
import { openDrawer } from './drawer.js';

export const pick = (row, path) => path.split('.').reduce((at, key) => at?.[key], row);
export const idOf = (row) => row.event?.id || row.id;

// sort is the API's word; rest disappears on narrow screens.
const columns = [
	{ key: 'time', sort: 'newest', cell: (r) => when(r['@timestamp'], true) },
	{ key: 'duration', sort: 'duration', n: true, rest: true, cell: (r) => duration(pick(r, 'event.duration')) },
	{ key: 'source', cell: (r) => endpoint(r.source, pick(r, 'toms.medical.station')) },
	{ key: 'destination', cell: (r) => endpoint(r.destination, null, pick(r, 'dns.question.name')) },
	{ key: 'app', cell: application },
	{ key: 'sent', sort: 'bytes', n: true, cell: (r) => exact(r.source?.bytes) },
	{ key: 'received', n: true, rest: true, cell: (r) => exact(r.destination?.bytes) },
	{ key: 'risk', sort: 'risk', n: true, cell: risk },
];

// Names come before addresses.
function endpoint(side, station, asked) {
	if (!side) return '—';
	const name = side.domain || station, at = side.ip || side.mac;
	return [name && h('div', { class: 'wrap' }, side.domain ? value('host', name) : name),
		h('div', { class: 'mono' }, at ? value('host', at) : '—', side.port !== undefined && [':', value('port', side.port)]),
		asked && h('div', { class: 'small wrap' }, t('flow.asked', { name: asked }))];
}
function application(r) {
	const app = pick(r, 'network.application'), proto = pick(r, 'network.protocol'), hint = pick(r, 'toms.flow.hint');
	const medical = pick(r, 'toms.medical') || {}, transport = pick(r, 'network.transport');
	const under = medical.called_ae ? `${medical.calling_ae || '?'} → ${medical.called_ae}`
		: app && proto && app !== proto ? named('app', proto) : !app && !proto && transport ? transport.toUpperCase() : null;
	return [app || proto ? value('app', app || proto, named('app', app || proto))
		: h('span', { class: 'muted' }, hint ? t('flow.hint', { name: hint }) : t('level.unknown')),
	under && h('div', { class: 'small wrap' }, under)];
}
export const levelOf = (score) => [[250, 'critical'], [100, 'high'], [50, 'medium'], [1, 'low']].find(([least]) => score >= least)?.[1];
function risk(r) {
	const score = pick(r, 'event.risk_score'), names = pick(r, 'toms.flow.risks') || [];
	if (!score) return '—';
	return h('span', { title: names.map((x) => named('risk', x)).join('\n') }, badge(levelOf(score), num(score)));
}

// Any value that can be filtered by: a button that offers what can be done with it.
let menu = null, menuOf = null;
export function value(key, filter, shown = filter) {
	return h('button', { type: 'button', class: 'value', tabindex: -1, 'aria-haspopup': 'menu', 'data-key': key, onclick: (ev) => {
		ev.stopPropagation();
		openMenu(ev.currentTarget, key, String(filter));
	} }, shown);
}
export const quoted = (text) => /[\s":]/.test(text) && !/^[0-9a-f:.]+$/i.test(text) ? `"${text.replaceAll('"', '')}"` : text;
function openMenu(anchor, key, filter) {
	closeMenu();
	const say = (how) => () => dispatchEvent(new CustomEvent('filter', { detail: { how, word: `${key}:${quoted(filter)}` } }));
	const acts = { add: say('add'), not: say('not'), only: say('only'), copy: () => copy(filter) };
	menu = h('div', { class: 'value-menu', role: 'menu', 'aria-label': filter, onkeydown: menuKeys },
		h('p', { class: 'small mono' }, filter),
		Object.entries(acts).map(([name, act]) => h('button', { type: 'button', role: 'menuitem',
			onclick: () => { closeMenu(true); act(); } }, t(`value.${name}`))));
	menuOf = anchor;
	const box = anchor.getBoundingClientRect();
	document.body.append(menu);
	menu.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - menu.offsetWidth - 8))}px`;
	menu.style.top = `${box.bottom + menu.offsetHeight > innerHeight ? Math.max(8, box.top - menu.offsetHeight - 2) : box.bottom + 2}px`;
	menu.querySelector('button').focus();
}
function menuKeys(ev) {
	ev.stopPropagation();
	if (ev.key === 'Escape' || ev.key === 'Tab') { ev.preventDefault(); return closeMenu(true); }
	const all = [...menu.querySelectorAll('button')], at = all.indexOf(document.activeElement);
	const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
	if (step) { ev.preventDefault(); all[(at + step + all.length) % all.length].focus(); }
}
function closeMenu(back) {
	menu?.remove();
	if (back && menuOf?.isConnected) menuOf.focus();
	menu = menuOf = null;
}
addEventListener('click', (ev) => menu && !menu.contains(ev.target) && closeMenu());
addEventListener('scroll', (ev) => menu && !menu.contains(ev.target) && closeMenu(), { capture: true, passive: true });

// Words of the search box; quotes keep spaces together.
export const split = (text) => (text || '').match(/(?:[^\s"]+|"[^"]*"?)+/g) || [];
// What is wrong with a query the appliance says in its own language; here in the reader's, naming the word.
function explain(problem, q) {
	const said = problem.detail || '', words = split(q).map((w) => w.replace(/^-/, ''));
	const word = words.find((w) => said.includes(w)) || words.find((w) => said.includes(w.split(/[:<>=!]/)[0]));
	if (problem.code === 'invalid_query' && word) problem.detail = t(said.includes('no such field') ? 'flows.wrong' : 'flows.wrong.value', { word });
	throw problem;
}

// The table as a block. ask() gives the API's parameters; the address says sort and page.
export function flowTable(ask, url, setParams, tools) {
	const q = url.searchParams, sort = q.get('sort') || 'newest';
	let rows = [];
	const el = block(t('traffic.flows'), async () => {
		const answer = await get('/api/v1/flows', { ...ask(), sort, cursor: q.get('cursor'), limit: 50 })
			.catch((problem) => explain(problem, q.get('q')));
		rows = answer.items;
		return [summary(answer),
			rows.length ? table(rows, sort, setParams) : empty(t(!answer.complete ? 'flows.notyet' : ask().q ? 'flows.none' : 'over.none')),
			foot(answer, q, setParams)];
	}, { tools });
	el.addEventListener('keydown', keys);
	el.open = (id) => openDrawer(id, rows, setParams);
	return el;
}

function summary(a) {
	const n = a.total && t(a.total.relation === 'gte' ? 'flows.atleast' : 'flows.count', { n: num(a.total.value) });
	const span = a.covered?.since && (!a.complete || !a.items.length)
		&& t('flows.covered', { from: when(a.covered.since), to: when(a.covered.until) });
	const gaps = a.gaps.filter((g) => Date.parse(g.until) - Date.parse(g.since) > 60000
		&& (!a.items.length || g.reason !== 'before_first_record'));
	return h('p', { class: 'coverage' },
		[n, span, t('over.asof', { at: when(a.as_of, true) }), gapList(gaps.map(gapText))].filter(Boolean).join(' · '),
		a.complete === false && h('strong', {}, ` ${t('flows.incomplete')}`));
}

function table(rows, sort, setParams) {
	const cls = (c) => `c-${c.key}${c.n ? ' n' : ''}${c.rest ? ' rest' : ''}`;
	const head = (c) => {
		if (!c.sort) return h('th', { scope: 'col', class: cls(c) }, t(`col.${c.key}`));
		const up = c.key === 'time' && sort === 'oldest', now = sort === c.sort || up;
		const next = c.key === 'time' ? (sort === 'newest' ? 'oldest' : null) : (now ? null : c.sort);
		return h('th', { scope: 'col', class: cls(c), 'aria-sort': now ? (up ? 'ascending' : 'descending') : 'none', 'data-label': t(`col.${c.key}`) },
			h('button', { type: 'button', onclick: () => setParams({ sort: next, cursor: null }) }, t(`col.${c.key}`),
				h('span', { class: 'arrow', 'aria-hidden': 'true' }, now ? (up ? '▲' : '▼') : '')));
	};
	return h('div', { class: 'table-place' }, h('table', { class: 'cards flows' }, h('caption', { class: 'reader-only' }, t('flows.keys')),
		h('thead', {}, h('tr', {}, columns.map(head))),
		h('tbody', {}, rows.map((r, i) => h('tr', { tabindex: i ? -1 : 0, 'data-id': idOf(r),
			onclick: () => !getSelection().toString() && setParams({ row: idOf(r) }) },
			columns.map((c) => h('td', { class: cls(c) }, c.cell(r))))))));
}

function foot(a, q, setParams) {
	return h('div', { class: 'table-foot' },
		q.get('cursor') && h('button', { type: 'button', onclick: () => setParams({ cursor: null }) }, t('flows.first')),
		a.next && h('button', { type: 'button', onclick: () => setParams({ cursor: a.next }) }, t('flows.next'), ' ', icon('right')));
}

// Rows: arrows or j and k move, Enter opens, right goes to the values of a row and left back to it.
function keys(ev) {
	const row = ev.target.closest('tr[data-id]');
	if (!row || ev.altKey || ev.ctrlKey || ev.metaKey) return;
	const values = [...row.querySelectorAll('.value')], at = values.indexOf(ev.target);
	const move = { ArrowDown: 'nextElementSibling', j: 'nextElementSibling',
		ArrowUp: 'previousElementSibling', k: 'previousElementSibling' }[ev.key];
	const to = move ? row[move] : ev.key === 'ArrowRight' ? values[at + 1] : ev.key === 'ArrowLeft' && at >= 0 ? values[at - 1] || row : null;
	if (ev.key === 'Enter' && ev.target === row) { ev.preventDefault(); return row.click(); }
	if (!to && ev.key !== 'ArrowDown' && ev.key !== 'ArrowUp') return;
	ev.preventDefault();
	if (!to) return;
	if (move) { row.tabIndex = -1; to.tabIndex = 0; }
	to.focus();
}
