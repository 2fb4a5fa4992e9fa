// Traffic: range, direction and words choose; chart, ranking and flow rows show. All of it is in the address.
import { h, fill, t, icon, iconButton, block, empty, help, bytes, num, percent, announce } from '../ui.js';
import { get, on, withParams } from '../data.js';
import { areaChart, trafficChart, keyName, isKey } from '../charts.js';
import { readRange, rangeControl, iso } from '../range.js';
import { flowTable, value, split } from '../flows.js';
import { closeDrawer } from '../drawer.js';

const GROUPS = ['app', 'direction', 'host', 'peer'], DIRECTIONS = ['', 'internal', 'outbound', 'inbound'];
const FIELDS = ['host:', 'peer:', 'port:', 'proto:', 'app:', 'text:', 'network.direction:',
	'source.bytes>', '-app:dns', 'event.risk_score>50'];
let here = null; // { place, tools, url, table }

export function show(place, url, tools) {
	here = { place, tools, url };
	const filter = ({ detail: { how, word } }) => {
		const words = split(new URL(location.href).searchParams.get('q')).filter((w) => w.replace(/^-/, '') !== word);
		const next = how === 'only' ? [word] : [...words, how === 'not' ? `-${word}` : word];
		tools.setParams({ q: next.join(' '), cursor: null, row: null });
	};
	addEventListener('filter', filter);
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
		removeEventListener('filter', filter);
		removeEventListener('signed-in', again);
		closeDrawer();
	};
}

// The address changed. An opened or closed row leaves everything else as it is.
export function update(url) {
	const rest = (u) => { const c = new URL(u); c.searchParams.delete('row'); return c.href; };
	const same = rest(url) === rest(here.url), focus = document.activeElement?.getAttribute('name') || document.activeElement?.id;
	here.url = url;
	if (same) return openRow();
	closeDrawer();
	draw(url);
	if (focus) (here.place.querySelector(`[name="${CSS.escape(focus)}"]`) || document.getElementById(focus))?.focus();
}
function openRow() {
	const id = here.url.searchParams.get('row');
	if (id) here.table.open(id); else closeDrawer();
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
	const table = flowTable(ask, url, setParams, h('a', { class: 'button', download: 'flows.csv',
		href: withParams('/api/v1/flows', { ...ask(), since: iso(range.from), until: iso(range.to), format: 'csv', bom: 'true', sort: q.get('sort') }) }, icon('down'), ' ', t('do.csv')));
	Object.assign(here, { q, range, filtered, table, all: [chart, ranking, table].filter(Boolean) });

	function chartLoad() {
		const figure = areaChart();
		return () => trafficChart(figure, { by: filtered || only ? 'direction' : by, range, only, height: filtered ? 150 : only ? 230 : 320,
			onRange: (a, b) => setParams({ since: iso(a), until: iso(b), cursor: null },
				{ state: { undo: { since: range.since, until: range.until } } }) });
	}
	fill(place,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.traffic')), rangeControl(range, setParams)),
		help('traffic'), searchBox(q, setParams), words.length > 0 && chips(words, setParams),
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
	table.refresh().then(openRow);
	if (filtered) announce(t('traffic.filtered', { n: words.length }));
}

function searchBox(q, setParams) {
	const box = h('input', { type: 'search', name: 'words', value: q.get('q') || '', 'aria-label': t('traffic.search'),
		placeholder: t('traffic.search.hint'), list: 'query-words', spellcheck: 'false', autocomplete: 'off' });
	return h('form', { class: 'query', role: 'search', 'aria-label': t('traffic.search'), onsubmit: (ev) => {
		ev.preventDefault();
		setParams({ q: box.value.trim(), cursor: null, row: null });
	} }, box, h('datalist', { id: 'query-words' }, FIELDS.map((w) => h('option', { value: w }))),
	h('button', { type: 'submit', class: 'primary' }, t('do.search')));
}

function chips(words, setParams) {
	const set = (next) => setParams({ q: next.join(' '), cursor: null, row: null });
	return h('ul', { class: 'chips', 'aria-label': t('traffic.filters') }, words.map((word) => {
		const not = word.startsWith('-'), bare = not ? word.slice(1) : word;
		return h('li', { class: `chip${not ? ' not' : ''}` }, h('span', {}, not && h('span', { class: 'chip-not' }, t('chip.not')), bare),
			iconButton('not', t('chip.invert', { word: bare }), () => set(words.map((w) => w === word ? (not ? bare : `-${word}`) : w))),
			iconButton('close', t('chip.remove', { word: bare }), () => set(words.filter((w) => w !== word))));
	}), words.length > 1 && h('li', {}, h('button', { type: 'button', class: 'quiet', onclick: () => set([]) }, t('chip.clear'))));
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
