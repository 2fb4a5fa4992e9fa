// Traffic: range, direction and words choose; chart, ranking and flow rows show. All of it is in the address.
import { h, fill, t, named, icon, badge, block, empty, help, bytes, num, when, duration, exact, percent, announce, iso, levelOf } from '../ui.js';
import { get, on, withParams } from '../data.js';
import { areaChart, trafficChart, keyName, isKey } from '../charts.js';
import { readRange, rangeControl, pick, split, value, searchBox, chips, takeFilters, explain, summary, rowTable, rowKeys, pages, isCold, coldFoot, common, openRow, closeRow } from '../list.js';

const GROUPS = ['app', 'direction', 'host', 'peer'], DIRECTIONS = ['', 'internal', 'outbound', 'inbound'];
const FIELDS = ['host:', 'peer:', 'port:', 'proto:', 'app:', 'text:', 'network.direction:',
	'source.bytes>', '-app:dns', 'event.risk_score>50'];
let here = null; // { place, tools, url, table }

export function show(place, url, tools) {
	here = { place, tools, url };
	const untake = takeFilters(tools.setParams);
	draw(url);
	let rows = 0;
	const off = on(['flows', 'reset', 'poll'], (data, topic) => {
		const button = place.querySelector('.news'), { range, filtered, q } = here;
		if (topic !== 'flows') return here.all.forEach((b) => b.refresh());
		if (!button || !range.open || q.get('cursor') || (q.get('sort') || 'newest') !== 'newest') return;
		rows = button.hidden ? data.rows : rows + data.rows;
		button.hidden = false;
		button.textContent = filtered || q.get('dir') ? t('flows.news') : t('flows.new', { n: num(rows) });
	});
	const again = () => here.all.forEach((b) => b.refresh());
	addEventListener('signed-in', again);
	return () => {
		off();
		untake();
		removeEventListener('signed-in', again);
		closeRow();
	};
}

// The address changed. An opened or closed row leaves everything else as it is.
export function update(url) {
	const rest = (u) => { const c = new URL(u); c.searchParams.delete('row'); return c.href; };
	const same = rest(url) === rest(here.url), focus = document.activeElement?.getAttribute('name') || document.activeElement?.id;
	here.url = url;
	if (same) return showRow();
	closeRow();
	draw(url);
	if (focus) (here.place.querySelector(`[name="${CSS.escape(focus)}"]`) || document.getElementById(focus))?.focus();
}
function showRow() {
	const id = here.url.searchParams.get('row');
	if (id) openRow(id, here.rows, here.tools.setParams, 'flow'); else closeRow();
}

function draw(url) {
	const { place, tools: { setParams } } = here, q = url.searchParams, range = readRange(url);
	const direction = DIRECTIONS.includes(q.get('dir') || '') ? q.get('dir') || '' : '';
	const by = GROUPS.includes(q.get('by')) ? q.get('by') : 'app', words = split(q.get('q'));
	const ask = () => ({ since: range.since, until: range.until,
		q: [...words, direction && `network.direction:${direction}`].filter(Boolean).join(' ') });
	// Sums over time know directions but no other words: say so, and leave out a ranking that would mislead.
	const filtered = words.length > 0, only = direction || null, undo = history.state?.undo;
	const chart = block(t(filtered ? 'traffic.chart.all' : only ? `traffic.chart.${direction}` : 'over.traffic'), chartLoad(), {
		class: filtered || only ? '' : 'wide-part',
		tools: undo && h('button', { type: 'button',
			onclick: () => setParams({ since: undo.since, until: undo.until, cursor: null }) }, icon('left'), ' ', t('range.undo')) });
	const ranking = filtered || only ? null : block(t('traffic.ranking'), () => rank(by, range), { class: 'slim-part' });
	const table = flowTable(ask, q, setParams, [
		h('a', { class: 'button', href: withParams('/logs', { since: q.get('since'), until: q.get('until'), q: common(words).join(' ') }) }, icon('logs'), ' ', t('traffic.logs')),
		h('a', { class: 'button', download: 'flows.csv', href: withParams('/api/v1/flows', { ...ask(), since: iso(range.from),
			until: iso(range.to), format: 'csv', bom: 'true', sort: q.get('sort') }) }, icon('down'), ' ', t('do.csv'))]);
	Object.assign(here, { q, range, filtered, rows: [], all: [chart, ranking, table].filter(Boolean) });

	function chartLoad() {
		const figure = areaChart();
		return () => trafficChart(figure, { by: filtered || only ? 'direction' : by, range, only, height: filtered ? 150 : only ? 230 : 320,
			onRange: (a, b) => setParams({ since: iso(a), until: iso(b), cursor: null },
				{ state: { undo: { since: range.since, until: range.until } } }) });
	}
	fill(place,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.traffic')), rangeControl(range, setParams)),
		help('traffic'), searchBox(q, setParams, { label: t('traffic.search'), hint: t('traffic.search.hint'), words: FIELDS }), words.length > 0 && chips(words, setParams),
		h('div', { class: 'page-head choices' },
			tabs(direction, url),
			!filtered && !only && h('label', {}, t('traffic.by'), h('select', { name: 'by', onchange: (ev) => setParams({ by: ev.target.value }) },
				GROUPS.map((g) => h('option', { value: g, selected: g === by }, t(`by.${g}`)))))),
		filtered && h('p', { class: 'note' }, icon('info'), t('traffic.chartall')),
		h('div', { class: 'grid' }, chart, ranking,
			h('div', {}, h('button', { type: 'button', class: 'news', hidden: true, onclick: () => {
				here.all.forEach((b) => b.refresh());
				place.querySelector('.news').hidden = true;
			} }), table)));
	chart.refresh();
	ranking?.refresh();
	table.refresh().then(showRow);
	if (filtered) announce(t('traffic.filtered', { n: words.length }));
}

// The table as a block. ask() gives the API's parameters; the address says sort and page.
function flowTable(ask, q, setParams, tools) {
	const sort = q.get('sort') || 'newest';
	const el = block(t('traffic.flows'), async () => {
		const answer = await get('/api/v1/flows', { ...ask(), sort, cold: isCold(q) ? 'true' : null, cursor: q.get('cursor'), limit: 50 })
			.catch((problem) => explain(problem, q.get('q')));
		here.rows = answer.items;
		return [summary(answer, sort === 'bytes' && t('flows.bybytes')),
			answer.items.length ? rowTable({ rows: answer.items, columns, sort, setParams, keys: t('flows.keys'), style: 'flows' })
				: empty(t(!answer.complete ? 'flows.notyet' : ask().q ? 'flows.none' : 'over.none')),
			pages(answer, q, setParams), coldFoot(answer, q, setParams)];
	}, { tools: h('div', { class: 'tools' }, tools) });
	el.addEventListener('keydown', rowKeys);
	return el;
}

function tabs(now, url) {
	return h('div', { class: 'tabs', role: 'group', 'aria-label': t('by.direction') }, DIRECTIONS.map((v) => {
		const to = new URL(url);
		for (const gone of ['cursor', 'row', 'dir']) to.searchParams.delete(gone);
		if (v) to.searchParams.set('dir', v);
		return h('a', { href: to.pathname + to.search, 'aria-current': v === now ? 'true' : undefined }, t(v ? `dir.${v}` : 'dir.all'));
	}));
}

async function rank(by, range) {
	const answer = await get('/api/v1/traffic/top', { by, since: range.since, until: range.until, limit: 10 });
	if (!answer.items.length) return empty(t('over.none'));
	const name = ({ key }) => {
		if (!isKey(key)) return keyName(by, key);
		const el = value(by === 'direction' ? 'network.direction' : by, key, keyName(by, key));
		el.tabIndex = 0;
		return el;
	};
	return [h('div', { class: 'table-place' }, h('table', { class: 'ranking', 'aria-label': t('traffic.ranking') },
		h('thead', {}, h('tr', {}, ['rank', 'name', 'sent', 'received', 'share'].map((c, i) =>
		h('th', { scope: 'col', class: i === 1 ? '' : 'n' }, t(`col.${c}`))))),
	h('tbody', {}, answer.items.map((r, i) => h('tr', {}, h('td', { class: 'n' }, i + 1), h('th', { scope: 'row', class: 'wrap' }, name(r)),
		h('td', { class: 'n' }, bytes(r.bytes_out)), h('td', { class: 'n' }, bytes(r.bytes_in)), h('td', { class: 'n' }, percent(r.share))))))),
	by === 'host' || by === 'peer' ? h('p', { class: 'small' }, t('traffic.hourly')) : null];
}

// sort is the API's word; rest disappears on narrow screens.
const columns = [
	{ key: 'time', sort: 'newest', cell: (r) => when(r['@timestamp'], true) },
	{ key: 'duration', sort: 'duration', n: true, rest: true, cell: (r) => duration(pick(r, 'event.duration')) },
	{ key: 'source', cell: (r) => endpoint(r.source, pick(r, 'toms.medical.station')) },
	{ key: 'destination', cell: (r) => endpoint(r.destination, null, pick(r, 'dns.question.name')) },
	{ key: 'app', cell: application },
	{ key: 'sent', sort: 'bytes', sorts: 'flows.bybytes', n: true, cell: (r) => exact(r.source?.bytes) },
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
function risk(r) {
	const score = pick(r, 'event.risk_score'), names = pick(r, 'toms.flow.risks') || [];
	if (!score) return '—';
	return h('span', { title: names.map((x) => named('risk', x)).join('\n') }, badge(levelOf(score), num(score)));
}
