// System: every room of the daemon, its numbers, its last trouble; threads; capture by the minute.
import { h, fill, t, badge, block, empty, num, bytes, when, hasWord } from '../ui.js';
import { get, on } from '../data.js';

export function show(place) {
	let asked = null;
	const status = () => (asked ||= get('/api/v1/status').finally(() => setTimeout(() => { asked = null; }, 500)));
	const rooms = block(t('system.rooms'), async () => roomTable(await status()));
	const threads = block(t('system.threads'), async () => threadTable(await status()), { class: 'half' });
	const capture = block(t('system.capture'), captureTable, { class: 'half' });
	const head = block(t('system.daemon'), async () => daemon(await status()));
	const blocks = [head, rooms, capture, threads];
	fill(place, h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.system'))),
		h('details', { class: 'what' }, h('summary', {}, t('help.what')), h('p', {}, t('help.system'))),
		h('div', { class: 'grid' }, blocks));
	blocks.forEach((b) => b.refresh());
	let last = Date.now();
	const offs = ['status', 'rate', 'poll'].map((topic) => on(topic, () => {
		if (Date.now() - last < 5000 || place.contains(document.activeElement?.closest('details'))) return;
		last = Date.now();
		blocks.forEach((b) => b.refresh());
	}));
	return () => offs.forEach((off) => off());
}

function daemon(s) {
	const fact = (word, v) => h('div', {}, h('dt', {}, t(word)), h('dd', {}, v ?? '—'));
	return h('dl', { class: 'facts' }, fact('system.version', s.version), fact('system.started', when(s.started)),
		fact('system.now', when(Date.now())), fact('system.threads.n', num((s.threads || []).length)));
}

const roomName = (name) => hasWord(`room.${name}`) ? t(`room.${name}`) : name;
function roomTable(s) {
	const rooms = Array.isArray(s.rooms) ? s.rooms : Object.entries(s.rooms || {}).map(([name, r]) => ({ name, ...r }));
	return h('div', { class: 'table-place' }, h('table', { class: 'cards' },
		h('thead', {}, h('tr', {}, ['room', 'state', 'says', 'numbers'].map((c) => h('th', { scope: 'col' }, t(`col.${c}`))))),
		h('tbody', {}, rooms.map((r) => h('tr', {}, h('th', { scope: 'row' }, roomName(r.name)),
			h('td', {}, badge(r.healthy === false ? 'high' : r.healthy ? 'ok' : 'unknown', t(r.healthy === false ? 'check.state.problem' : r.healthy ? 'check.state.ok' : 'level.unknown'))),
			h('td', { class: 'wrap' }, r.error?.text || r.last_error || r.error || '—'),
			h('td', {}, h('details', {}, h('summary', {}, t('system.show')), numbers(r))))))));
}

// Everything else a room says, as name and value; bytes and times in words.
function numbers(r) {
	const rows = [];
	const walk = (node, path) => {
		if (node !== null && typeof node === 'object') {
			for (const [key, v] of Object.entries(node)) walk(v, path ? `${path}.${key}` : key);
		} else rows.push([path, node]);
	};
	const { name, healthy, error, last_error, ...rest } = r;
	walk(rest, '');
	if (!rows.length) return empty(t('system.nonumbers'));
	return h('table', {}, h('tbody', {}, rows.map(([k, v]) => h('tr', {}, h('th', { scope: 'row', class: 'mono' }, k), h('td', { class: 'n' }, shown(k, v))))));
}
function shown(name, v) {
	if (v === null) return '—';
	if (typeof v === 'number') return /bytes|size|limit$/.test(name) ? `${num(v)} (${bytes(v)})` : num(v);
	if (typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v)) return when(v, true);
	return String(v);
}

function threadTable(s) {
	return h('div', { class: 'table-place' }, h('table', {},
		h('thead', {}, h('tr', {}, ['thread', 'beat', 'cpu'].map((c, i) => h('th', { scope: 'col', class: i ? 'n' : '' }, t(`col.${c}`))))),
		h('tbody', {}, (s.threads || []).map((x) => h('tr', {}, h('th', { scope: 'row', class: 'mono' }, x.name),
			h('td', { class: 'n' }, x.parked ? t('system.waiting') : `${num(x.beat_age_ms)} ms`), h('td', { class: 'n' }, `${num(Math.round((x.cpu_ms || 0) / 100) / 10)} s`))))));
}

async function captureTable() {
	const { items } = await get('/api/v1/capture', { since: '-1h', limit: 60 });
	if (!items.length) return empty(t('system.nocapture'));
	const at = (r, ...names) => names.map((n) => n.split('.').reduce((o, k) => o?.[k], r)).find((v) => v !== undefined);
	const c = (r, name) => at(r, `toms.capture.${name}`) ?? 0;
	return h('div', { class: 'table-place' }, h('table', { class: 'cards' },
		h('thead', {}, h('tr', {}, ['minute', 'interface', 'packets', 'volume', 'drops'].map((n, i) => h('th', { scope: 'col', class: i > 1 ? 'n' : '' }, t(`col.${n}`))))),
		h('tbody', {}, items.map((r) => {
			const drops = c(r, 'kernel_drops') + c(r, 'nic_drops') + c(r, 'own_drops');
			return h('tr', {}, h('td', {}, when(r['@timestamp'])), h('td', { class: 'mono' }, at(r, 'observer.ingress.interface.name', 'toms.capture.interface') || '—'),
				h('td', { class: 'n' }, num(at(r, 'network.packets', 'toms.capture.packets') || 0)), h('td', { class: 'n' }, bytes(at(r, 'network.bytes', 'toms.capture.bytes') || 0)),
				h('td', { class: 'n' }, drops ? badge('high', num(drops)) : '0'));
		}))));
}
