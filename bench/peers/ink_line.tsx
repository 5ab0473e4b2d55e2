/** The peer of the console's start: Ink draws one line of text, and stays. */
import { render, Text } from "ink";

render(<Text>Ahoy</Text>);
setInterval(() => {}, 60_000);
