// Traffic: range, direction and words choose; chart, ranking and flow rows show. All of it is in the address.
import { h, fill, t, icon, block, empty, bytes, num, announce } from '../ui.js';
import { get, on, withParams } from '../data.js';
import { trafficSeries } from '../traffic.js';
import { readRange, rangeControl } from '../range.js';
import { flowTable, closeDrawer } from '../flows.js';

const GROUPS = ['app', 'direction', 'host', 'peer'];
let here = null; // { place, tools, url }

export async function show(place, url, tools) {
	here = { place, tools, url };
	const filter = (ev) => {
		const words = split(new URL(location.href).searchParams.get('q') || '');
		const { how, word } = ev.detail;
		const next = how === 'only' ? [word] : [...words.filter((w) => w !== word), how === 'not' ? `-${word}` : word];
		tools.setParams({ q: next.join(' '), cursor: null, row: null });
	};
	addEventListener('filter', filter);
	draw(url);
	let news = 0;
	const off = on('flows', (data) => {
		try { news += JSON.parse(data).rows || 0; } catch { return; }
		const el = place.querySelector('.news');
		if (el && !new URL(location.href).searchParams.get('until')) {
			el.hidden = !news;
			fill(el, t('flows.new', { n: num(news) }));
		}
	});
	place.addEventListener('refreshed', () => { news = 0; });
	return () => { off(); removeEventListener('filter', filter); closeDrawer(); };
}

// The address changed: a row opened or closed leaves everything else as it is.
export function update(url) {
	const strip = (u) => { const c = new URL(u); c.searchParams.delete('row'); return c.href; };
	const same = strip(url) === strip(here.url);
	here.url = url;
	if (!same) return draw(url);
	const id = url.searchParams.get('row');
	if (id) here.table.open(id); else closeDrawer();
}

// Words of the search box; quotes keep spaces together.
const split = (text) => text.match(/(?:[^\s"]+|"[^"]*")+/g) || [];

function draw(url) {
	const { place, tools: { setParams } } = here;
	const q = url.searchParams, range = readRange(url), direction = q.get('dir') || '', by = GROUPS.includes(q.get('by')) ? q.get('by') : 'direction';
	const words = split(q.get('q') || '');
	const box = h('input', { type: 'search', name: 'q', value: q.get('q') || '', 'aria-label': t('traffic.search'), placeholder: t('traffic.search.hint'), list: 'query-words', spellcheck: 'false' });
	const ask = () => ({ since: range.since, until: range.until, q: [q.get('q'), direction && `network.direction:${direction}`].filter(Boolean).join(' ') });

	const chart = block(t('over.traffic'), () => trafficSeries({ by: by === 'host' || by === 'peer' ? by : by }, (a, b) =>
		setParams({ since: new Date(a).toISOString().slice(0, 19) + 'Z', until: new Date(b).toISOString().slice(0, 19) + 'Z', cursor: null })));
	const ranking = block(t('traffic.ranking'), () => rank(by, range));
	const table = here.table = flowTable(ask, url, setParams);
	fill(place,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.traffic')), rangeControl(range, setParams)),
		h('details', { class: 'what' }, h('summary', {}, t('help.what')), h('p', {}, t('help.traffic'))),
		h('form', { class: 'query', role: 'search', onsubmit: (ev) => { ev.preventDefault(); setParams({ q: box.value.trim(), cursor: null, row: null }); } },
			box, h('datalist', { id: 'query-words' }, ['host:', 'peer:', 'port:', 'proto:', 'app:', 'text:', 'source.bytes>', '-app:'].map((w) => h('option', { value: w }))),
			h('button', { type: 'submit', class: 'primary' }, t('do.search'))),
		words.length > 0 && h('ul', { class: 'chips', 'aria-label': t('traffic.filters') }, words.map((w) => chip(w, words, setParams))),
		h('div', { class: 'page-head' },
			tabs('dir', ['', 'internal', 'outbound', 'inbound'], direction, (v) => t(v ? `dir.${v}` : 'dir.all'), url),
			h('label', {}, t('traffic.by'), ' ', h('select', { onchange: (ev) => setParams({ by: ev.target.value }) }, GROUPS.map((g) => h('option', { value: g, selected: g === by }, t(`by.${g}`)))))),
		words.length > 0 || direction ? h('p', { class: 'small' }, t('traffic.chartall')) : null,
		h('div', { class: 'grid' }, Object.assign(chart, { className: 'card two-thirds' }), Object.assign(ranking, { className: 'card third' }), h('div', {},
			h('button', { type: 'button', class: 'news', hidden: true, onclick: () => setParams({ cursor: null }) }),
			h('p', {}, h('a', { href: withParams('/api/v1/flows', { ...ask(), format: 'csv', bom: 'true', sort: q.get('sort') }), download: 'flows.csv' }, t('do.csv'))),
			table)));
	place.dispatchEvent(new CustomEvent('refreshed'));
	chart.refresh();
	ranking.refresh();
	table.refresh().then(() => { const id = q.get('row'); if (id) table.open(id); });
	if (words.length) announce(t('traffic.filtered', { n: words.length }));
}

function tabs(name, values, now, label, url) {
	return h('div', { class: 'tabs' }, values.map((v) => {
		const to = new URL(url);
		to.searchParams.delete('cursor');
		if (v) to.searchParams.set(name, v); else to.searchParams.delete(name);
		return h('a', { href: to.pathname + to.search, 'aria-current': v === now ? 'true' : undefined }, label(v));
	}));
}

function chip(word, words, setParams) {
	const not = word.startsWith('-'), set = (next) => setParams({ q: next.join(' '), cursor: null });
	return h('li', { class: `chip ${not ? 'not' : ''}` }, word,
		h('button', { type: 'button', class: 'quiet', 'aria-label': t('chip.invert', { word }), title: t('chip.invert', { word }), onclick: () => set(words.map((w) => w === word ? (not ? w.slice(1) : `-${w}`) : w)) }, '⊘'),
		h('button', { type: 'button', class: 'quiet', 'aria-label': t('chip.remove', { word }), title: t('chip.remove', { word }), onclick: () => set(words.filter((w) => w !== word)) }, icon('close')));
}

async function rank(by, range) {
	const answer = await get('/api/v1/traffic/top', { by, since: range.since, until: range.until, limit: 15 });
	if (!answer.items.length) return empty(t('over.empty'));
	const key = (k) => k === 'other' ? t('chart.other') : by === 'direction' ? t(`dir.${k}`) : k || t('level.unknown');
	const link = (k) => k === 'other' || !k ? key(k) : h('button', { type: 'button', class: 'value', onclick: () =>
		dispatchEvent(new CustomEvent('filter', { detail: { how: 'add', word: by === 'direction' ? `network.direction:${k}` : `${by}:${k}` } })) }, key(k));
	return h('div', { class: 'table-place' }, h('table', {}, h('thead', {}, h('tr', {}, ['rank', 'name', 'sent', 'received', 'flows'].map((c, i) =>
		h('th', { scope: 'col', class: i === 1 ? '' : 'n' }, t(`col.${c}`))))),
	h('tbody', {}, answer.items.map((r, i) => h('tr', {}, h('td', { class: 'n' }, i + 1), h('td', { class: 'wrap' }, link(r.key)),
		h('td', { class: 'n' }, bytes(r.bytes_out)), h('td', { class: 'n' }, bytes(r.bytes_in)), h('td', { class: 'n' }, num(r.flows)))))));
}
