// node query.mjs SQL...: each answer as one line of JSON, a row an array of text or null.
import { DuckDBInstance } from '@duckdb/node-api';

const connection = await (await DuckDBInstance.create(':memory:')).connect();
for (const sql of process.argv.slice(2)) {
  const answer = await connection.runAndReadAll(sql);
  console.log(JSON.stringify({ columns: answer.columnNames(), rows: answer.getRowsJson() }));
}
