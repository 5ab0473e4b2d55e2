/** The peer of a command line: one HTTPS request under one CA, its answer printed. Usage: https_client URL TOKEN CA-FILE */
const [url = "", token = "", ca = ""] = Deno.args;
const client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(ca)] });
const response = await fetch(url, { client, headers: { authorization: `Bearer ${token}` } });
console.log(await response.text());
Deno.exit(response.ok ? 0 : 1);
