// The flow table: filters as chips, sortable heads, pages by cursor, keyboard, and the drawer of a row.
import { h, fill, put, t, icon, badge, block, empty, trouble, bytes, num, when, duration, copyButton, announce } from './ui.js';
import { get } from './data.js';

export const pick = (row, path) => path.split('.').reduce((at, key) => at?.[key], row);

// Columns: sort is the API's word; rest disappears on narrow screens.
const columns = [
	{ key: 'time', sort: 'newest', cell: (r) => when(r['@timestamp'], true) },
	{ key: 'duration', sort: 'duration', n: true, rest: true, cell: (r) => duration(pick(r, 'event.duration')) },
	{ key: 'source', cell: (r) => endpoint(r.source) },
	{ key: 'destination', cell: (r) => endpoint(r.destination) },
	{ key: 'app', cell: (r) => application(r) },
	{ key: 'sent', sort: 'bytes', n: true, cell: (r) => exact(r.source?.bytes) },
	{ key: 'received', n: true, rest: true, cell: (r) => exact(r.destination?.bytes) },
	{ key: 'risk', sort: 'risk', n: true, rest: true, cell: (r) => risk(r) },
];
const exact = (n) => h('span', { title: n === undefined ? undefined : `${num(n)} B` }, bytes(n));

function endpoint(side) {
	if (!side) return '—';
	return h('span', { class: 'mono' }, side.ip ? value('host', side.ip, side.ip) : value('host', side.mac, side.mac || '—'),
		side.port ? [':', value('port', side.port, side.port)] : null,
		side.domain && h('div', { class: 'wrap' }, value('host', side.domain, side.domain)));
}
function application(r) {
	const app = pick(r, 'network.application'), proto = pick(r, 'network.protocol'), hint = pick(r, 'toms.flow.hint');
	if (app || proto) return [value('app', app || proto, app || proto), app && proto && app !== proto ? h('span', { class: 'small' }, ` ${proto}`) : null];
	return h('span', { class: 'small' }, hint ? t('flow.hint', { name: hint }) : t('level.unknown'));
}
const SCORE = [[250, 'critical'], [100, 'high'], [50, 'medium'], [1, 'low']];
function risk(r) {
	const score = pick(r, 'event.risk_score');
	const level = SCORE.find(([least]) => score >= least)?.[1];
	return level ? badge(level, String(score)) : '—';
}

// Any value that can be filtered by: a button that offers what can be done with it.
let menu = null;
function value(key, filter, shown) {
	return h('button', { type: 'button', class: 'value', 'data-key': key, 'data-filter': filter, onclick: (ev) => {
		ev.stopPropagation();
		openMenu(ev.currentTarget, key, String(filter));
	} }, shown);
}
function openMenu(anchor, key, filter) {
	closeMenu();
	const word = /[\s"]/.test(filter) ? `"${filter.replaceAll('"', '')}"` : filter;
	const act = (name, fn) => h('button', { type: 'button', onclick: () => { closeMenu(); fn(); } }, t(`value.${name}`));
	const say = (how) => () => dispatchEvent(new CustomEvent('filter', { detail: { how, word: `${key}:${word}` } }));
	menu = h('div', { class: 'value-menu', role: 'menu', onkeydown: (ev) => {
		if (ev.key === 'Escape') { ev.stopPropagation(); closeMenu(); anchor.focus(); }
	} }, act('add', say('add')), act('not', say('not')), act('only', say('only')),
	act('copy', () => navigator.clipboard?.writeText(filter).then(() => announce(t('state.copied')))));
	const box = anchor.getBoundingClientRect();
	document.body.append(menu);
	menu.style.left = `${Math.min(box.left, innerWidth - menu.offsetWidth - 8) + scrollX}px`;
	menu.style.top = `${box.bottom + scrollY + 2}px`;
	menu.querySelector('button').focus();
	setTimeout(() => addEventListener('click', closeMenu, { once: true }));
}
function closeMenu() { menu?.remove(); menu = null; }

// The table as a block. ask() gives the API's parameters; url and setParams hold what the address says.
export function flowTable(ask, url, setParams) {
	const q = url.searchParams, sort = q.get('sort') || 'newest';
	let rows = [];
	const el = block(t('traffic.flows'), async () => {
		const answer = await get('/api/v1/flows', { ...ask(), sort, cursor: q.get('cursor'), limit: 50 });
		rows = answer.items;
		return [summary(answer), rows.length ? table(rows, sort, setParams) : empty(t(answer.complete ? 'flows.none' : 'flows.notyet')),
			foot(answer, q, setParams)];
	});
	el.addEventListener('keydown', (ev) => keys(ev, el));
	el.open = (id) => openDrawer(id, rows.find((r) => r.id === id), setParams);
	return el;
}

function summary(a) {
	const n = a.total && (a.total.relation === 'gte' ? t('flows.atleast', { n: num(a.total.value) }) : t('flows.count', { n: num(a.total.value) }));
	const span = a.covered && t('flows.covered', { from: when(a.covered.since), to: when(a.covered.until) });
	return h('p', { class: 'coverage' }, n, n && span ? ' · ' : '', span, a.complete === false && h('strong', {}, ` ${t('flows.incomplete')}`),
		(a.gaps || []).map((g) => h('span', {}, ` · ${t('chart.gap', { from: when(g.since), to: when(g.until) })}`)));
}

function table(rows, sort, setParams) {
	const head = (c) => {
		const now = c.sort && (sort === c.sort || (c.sort === 'newest' && sort === 'oldest'));
		const next = c.sort === 'newest' ? (sort === 'newest' ? 'oldest' : null) : (sort === c.sort ? null : c.sort);
		return h('th', { scope: 'col', class: `${c.n ? 'n' : ''} ${c.rest ? 'rest' : ''}`, 'aria-sort': now ? (sort === 'oldest' ? 'ascending' : 'descending') : c.sort ? 'none' : undefined },
			c.sort ? h('button', { type: 'button', onclick: () => setParams({ sort: next, cursor: null }) },
				t(`col.${c.key}`), now ? (sort === 'oldest' ? ' ▲' : ' ▼') : '') : t(`col.${c.key}`));
	};
	return h('div', { class: 'table-place' }, h('table', { class: 'cards' },
		h('thead', {}, h('tr', {}, columns.map(head))),
		h('tbody', {}, rows.map((r) => h('tr', { tabindex: 0, 'data-id': r.id, onclick: () => setParams({ row: r.id }) },
			columns.map((c) => h('td', { class: `${c.n ? 'n' : ''} ${c.rest ? 'rest' : ''}` }, c.cell(r))))))));
}

function foot(a, q, setParams) {
	return h('div', { class: 'table-foot' },
		q.get('cursor') && h('button', { type: 'button', onclick: () => setParams({ cursor: null }) }, t('flows.first')),
		a.next && h('button', { type: 'button', onclick: () => setParams({ cursor: a.next }) }, t('flows.next')),
		h('span', { class: 'small' }, t('over.asof', { at: when(a.as_of, true) })));
}

// Rows: arrows or j/k move, Enter opens.
function keys(ev, el) {
	const row = ev.target.closest('tr[data-id]');
	if (!row || ev.target !== row) return;
	const move = { ArrowDown: 'nextElementSibling', j: 'nextElementSibling', ArrowUp: 'previousElementSibling', k: 'previousElementSibling' }[ev.key];
	if (move) { ev.preventDefault(); row[move]?.focus(); }
	if (ev.key === 'Enter') { ev.preventDefault(); row.click(); }
}

// The drawer: every column of the row, risks in words.
let drawer = null;
export function closeDrawer() { drawer?.remove(); drawer = null; }
async function openDrawer(id, row, setParams) {
	closeDrawer();
	const back = document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
	const body = h('div', {});
	const close = () => { setParams({ row: null }); back?.focus(); };
	drawer = h('aside', { class: 'drawer', role: 'dialog', 'aria-label': t('flow.one'), tabindex: -1, onkeydown: (ev) => ev.key === 'Escape' && close() },
		h('header', { class: 'card-head' }, h('h2', {}, t('flow.one')), h('button', { type: 'button', class: 'quiet', 'aria-label': t('do.close'), onclick: close }, icon('close'))), body);
	document.body.append(drawer);
	drawer.focus();
	try {
		fill(body, details(row || await get(`/api/v1/flows/${encodeURIComponent(id)}`)));
	} catch (problem) {
		fill(body, trouble(problem));
	}
}

function details(row) {
	const risks = pick(row, 'toms.flow.risks') || [];
	const list = h('dl', {});
	walk(row, '', (name, v) => put(list, h('dt', { class: 'mono' }, name), h('dd', { class: 'mono' }, shownAs(name, v), copyButton(String(v)))));
	return [h('p', {}, t('flow.sentence', {
		from: pick(row, 'source.ip') || '—', to: pick(row, 'destination.domain') || pick(row, 'destination.ip') || '—',
		app: pick(row, 'network.application') || pick(row, 'network.protocol') || t('level.unknown'),
		sent: bytes(pick(row, 'source.bytes')), received: bytes(pick(row, 'destination.bytes')), time: duration(pick(row, 'event.duration')) })),
	risks.length > 0 && [h('h3', {}, t('flow.risks')), h('ul', {}, risks.map((r) => h('li', {}, r)))],
	h('h3', {}, t('flow.all')), list];
}
function walk(node, path, say) {
	if (Array.isArray(node)) return node.length && say(path, node.join(', '));
	if (node === null || typeof node !== 'object') return say(path, node);
	for (const [key, child] of Object.entries(node)) walk(child, path ? `${path}.${key}` : key, say);
}
function shownAs(name, v) {
	if (/^(@timestamp|event\.(start|end)|toms\.flow\.start)$/.test(name)) return `${when(v, true)} JST`;
	if (/\.bytes$/.test(name)) return `${num(v)} (${bytes(v)})`;
	if (name === 'event.duration' || /_ns$/.test(name)) return duration(v);
	return v;
}
