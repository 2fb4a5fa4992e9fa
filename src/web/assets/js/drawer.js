// The drawer of a flow: one sentence, its risks in words, then every column in groups, each with its name in
// words and the name outsiders use small beside it.
import { h, fill, put, t, named, hasWord, badge, iconButton, trouble, bytes, num, when, duration, copy } from './ui.js';
import { get } from './data.js';
import { pick, idOf, levelOf, value } from './flows.js';

// Where a column belongs: the first prefix that fits.
const groups = [
	['medical', ['toms.medical.']],
	['when', ['@timestamp', 'event.start', 'event.end', 'event.duration', 'toms.flow.start', 'toms.flow.end_reason']],
	['source', ['source.']],
	['destination', ['destination.']],
	['names', ['toms.flow.name', 'dns.', 'tls.', 'url.', 'user_agent.']],
	['network', ['network.', 'toms.flow.tunnel', 'toms.flow.confidence', 'toms.flow.hint']],
	['quality', ['toms.flow.']],
	['record', ['']],
];
// Columns one can filter by, and the word of the search language for each.
const filters = {
	'source.ip': 'source.ip', 'destination.ip': 'destination.ip', 'source.mac': 'source.mac', 'destination.mac': 'destination.mac',
	'source.port': 'source.port', 'destination.port': 'destination.port', 'source.domain': 'host', 'destination.domain': 'host',
	'network.protocol': 'app', 'network.application': 'app', 'network.transport': 'proto', 'network.direction': 'network.direction',
	'network.vlan.id': 'network.vlan.id', 'tls.client.ja3': 'tls.client.ja3',
	'tls.client.server_name': 'host', 'dns.question.name': 'host', 'toms.flow.name': 'host',
};
const words = { 'network.direction': 'dir', 'network.protocol': 'app', 'network.application': 'app', 'toms.flow.end_reason': 'end',
	'toms.flow.confidence': 'confidence', 'toms.flow.name_kind': 'namekind' };

let drawer = null, back = null;
export function closeDrawer() {
	drawer?.remove();
	drawer = null;
	document.querySelectorAll('tr[aria-current]').forEach((row) => row.removeAttribute('aria-current'));
	if (back?.isConnected) back.focus();
	back = null;
}

export async function openDrawer(id, rows, setParams) {
	const at = rows.findIndex((r) => idOf(r) === id), tr = document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
	document.querySelectorAll('tr[aria-current]').forEach((row) => row.removeAttribute('aria-current'));
	tr?.setAttribute('aria-current', 'true');
	tr?.scrollIntoView({ block: 'nearest' });
	back = tr;
	const body = h('div', {}), close = () => setParams({ row: null });
	const step = (by) => rows[at + by] && setParams({ row: idOf(rows[at + by]) }, { replace: true });
	const head = h('header', { class: 'card-head' }, h('h2', { id: 'drawer-title', tabindex: -1 }, t('flow.one')), h('div', {},
		at >= 0 && iconButton('left', t('flow.before'), () => step(-1), { disabled: at === 0 }),
		at >= 0 && iconButton('right', t('flow.after'), () => step(1), { disabled: at === rows.length - 1 }),
		iconButton('close', t('do.close'), close)));
	if (!drawer) document.body.append(drawer = h('aside', { class: 'drawer', role: 'dialog', 'aria-labelledby': 'drawer-title' }));
	drawer.onkeydown = (ev) => {
		if (ev.key === 'Escape') close();
		else if (ev.key === 'j' || ev.key === 'k') step(ev.key === 'j' ? 1 : -1);
	};
	fill(drawer, head, body).scrollTop = 0;
	head.querySelector('h2').focus();
	try {
		fill(body, details(rows[at] || await get(`/api/v1/flows/${encodeURIComponent(id)}`)));
	} catch (problem) {
		fill(body, trouble(problem));
	}
}

function details(row) {
	const risks = pick(row, 'toms.flow.risks') || [], score = pick(row, 'event.risk_score'),
		app = pick(row, 'network.application') || pick(row, 'network.protocol');
	const lists = new Map(groups.map(([name]) => [name, h('dl', {})]));
	walk(row, '', (name, v) => {
		if (name === 'toms.flow.risks') return;
		const [group] = groups.find(([, prefixes]) => prefixes.some((p) => name.startsWith(p)));
		put(lists.get(group), h('dt', {}, hasWord(`f.${name}`) ? t(`f.${name}`) : name.split('.').pop().replaceAll('_', ' '),
			h('span', { class: 'raw' }, name)),
			h('dd', {}, shown(name, v), iconButton('copy', t('do.copy'), () => copy(String(v)))));
	});
	return [
		h('p', { class: 'lead' }, t('flow.sentence', {
			from: pick(row, 'toms.medical.station') || pick(row, 'source.domain') || pick(row, 'source.ip') || pick(row, 'source.mac') || '—',
			to: pick(row, 'destination.domain') || pick(row, 'destination.ip') || pick(row, 'destination.mac') || '—',
			app: app ? named('app', app) : t('flow.noapp'), time: duration(pick(row, 'event.duration')),
			sent: bytes(pick(row, 'source.bytes')), received: bytes(pick(row, 'destination.bytes')) })),
		risks.length > 0 && h('section', {}, h('h3', {}, t('flow.risks'), ' ', score > 0 && badge(levelOf(score), t('flow.score', { n: score }))),
			h('ul', { class: 'risks' }, risks.map((r) => h('li', {}, named('risk', r), h('span', { class: 'raw' }, r)))),
			h('p', { class: 'small' }, t('flow.risks.note'))),
		[...lists].filter(([, list]) => list.firstChild).map(([name, list]) => h('section', {}, h('h3', {}, t(`group.${name}`)), list))];
}
function walk(node, path, say) {
	if (Array.isArray(node)) return node.length && say(path, node.join(', '));
	if (node === null || typeof node !== 'object') return say(path, node);
	for (const [key, child] of Object.entries(node)) walk(child, path ? `${path}.${key}` : key, say);
}
function shown(name, v) {
	if (/^(@timestamp|event\.(start|end)|toms\.flow\.start)$/.test(name)) return `${when(v, true)} JST`;
	if (/\.bytes$/.test(name)) return v < 1000 ? `${num(v)} B` : t('bytes.exact', { short: bytes(v), n: num(v) });
	if (name === 'event.duration' || name === 'toms.flow.rtt') return duration(v);
	const text = words[name] ? named(words[name], v) : typeof v === 'number' && !/port|id$|number|cipher/.test(name) ? num(v) : String(v);
	const cls = /\.(ip|mac|community_id|ja3s?|.*_class|id)$/.test(name) ? 'mono' : 'wrap';
	const inner = filters[name] ? value(filters[name], v, text) : text;
	if (inner.tagName) inner.tabIndex = 0; // in the table the row is the stop, here each value is
	return h('span', { class: cls }, inner);
}
