// The traffic chart, shared by overview and traffic page: bytes a second over time, by direction,
// application or host, with the times nobody watched marked.
import { h, t, empty, bitrate, when } from './ui.js';
import { get } from './data.js';
import { areaChart } from './charts.js';
import { readRange } from './range.js';

const DIRECTIONS = ['internal', 'outbound', 'inbound', 'external', 'unknown'];

export async function trafficSeries(ask, onRange) {
	const url = new URL(location.href);
	const range = ask.since === undefined ? readRange(url) : readRange(new URL(`x:/?since=${ask.since}`));
	const answer = await get('/api/v1/traffic/series', { since: range.since, until: range.until, by: ask.by, keys: 4, buckets: 360 });
	if (!answer.series.length) return empty(t('over.empty'));
	const step = answer.step_s * 1000, first = Date.parse(answer.start), n = answer.buckets;
	const name = (key) => key === 'other' ? t('chart.other') : ask.by === 'direction' ? t(`dir.${DIRECTIONS.includes(key) ? key : 'unknown'}`) : key || t('level.unknown');
	const series = answer.series.map((s) => ({ key: s.key, label: name(s.key),
		points: s.bytes_out.map((out, i) => [first + i * step, (out + s.bytes_in[i]) * 8 / answer.step_s]) }));
	let peak = 0, peakAt = first;
	for (let i = 0; i < n; i++) {
		const sum = series.reduce((v, s) => v + s.points[i][1], 0);
		if (sum > peak) { peak = sum; peakAt = first + i * step; }
	}
	return areaChart(series, { from: range.from, to: range.to, unit: bitrate, onRange,
		gaps: (answer.gaps || []).map((g) => ({ from: Date.parse(g.since), to: Date.parse(g.until), text: t('chart.gap', { from: when(g.since), to: when(g.until) }) })),
		sentence: t('chart.sentence', { peak: bitrate(peak), at: when(peakAt), from: when(range.from), to: when(range.to) }) });
}
