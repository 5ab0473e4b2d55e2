/** The peer of an agent: opens one websocket, says so, and stays. Usage: deno_client URL TOKEN */
const [url = "", token = ""] = Deno.args;
const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
socket.onopen = () => console.log("open");
socket.onclose = () => Deno.exit(1);
