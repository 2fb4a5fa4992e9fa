// One conversation: a sentence, its risks in words, every column in groups, and the firewall's logs of it.
import { h, put, t, named, badge, bytes, num, when, duration, iso, levelOf } from './ui.js';
import { get } from './data.js';
import { pick, idOf, value } from './list.js';
import { line, part } from './drawer.js';
import { briefly } from './log-row.js';

export const title = 'flow.one', path = '/api/v1/flows';

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

export function details(row) {
	const risks = pick(row, 'toms.flow.risks') || [], score = pick(row, 'event.risk_score'),
		app = pick(row, 'network.application') || pick(row, 'network.protocol');
	const lists = new Map(groups.map(([name]) => [name, h('dl', {})]));
	walk(row, '', (name, v) => {
		if (name === 'toms.flow.risks') return;
		const [group] = groups.find(([, prefixes]) => prefixes.some((p) => name.startsWith(p)));
		put(lists.get(group), line(`f.${name}`, name, shown(name, v), v));
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
		part(t('flow.logs'), () => logs(row)),
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

// What firewalls said of this conversation, and the way to all they said of its two ends.
async function logs(row) {
	const { items, matched_by: how } = await get(`/api/v1/flows/${encodeURIComponent(idOf(row))}/logs`);
	const from = Date.parse(pick(row, 'event.start') || row['@timestamp']) - 300000, to = Date.parse(row['@timestamp']) + 300000;
	const link = (q, id) => `/logs?${new URLSearchParams({ since: iso(from), until: iso(to), ...(q && { q }), ...(id && { row: id }) })}`;
	const ends = [pick(row, 'source.ip') && `host:${pick(row, 'source.ip')}`, pick(row, 'destination.ip') && `peer:${pick(row, 'destination.ip')}`];
	return [items.length ? h('ul', { class: 'linked' }, items.map((log) => h('li', {},
		h('a', { href: link('', idOf(log)) }, when(log['@timestamp'], true)), ' ', briefly(log),
		h('div', { class: 'small' }, [pick(log, 'observer.name'), named('matched', log.matched_by || how || '')].filter(Boolean).join(' · ')))))
		: h('p', { class: 'small' }, t('flow.nologs')),
	ends.some(Boolean) && h('p', {}, h('a', { href: link(ends.filter(Boolean).join(' ')) }, t('flow.logs.all')))];
}
