// Questions to the service
class Refusal extends Error {
  constructor(problem) {
    super(problem.detail);
    this.status = problem.status;
  }
}

// What a response holds; a Refusal with the words of the service if there is none
async function answered(path, options = {}) {
  const token = sessionStorage.getItem("token"), headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const known = response.headers.get("content-type")?.includes("json");
  throw new Refusal(known ? await response.json() : { status: response.status, detail: response.statusText });
}

async function get(path, query = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return (await answered(`/api/${path}?${new URLSearchParams(pairs)}`)).json();
}

async function post(path, content) {
  const headers = { "Content-Type": "application/json" };
  return (await answered(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(content) })).json();
}

// The map of a model; null if it has none
async function getMap(model, waiting) {
  for (;;) {
    try {
      const response = await answered(`/api/map?${new URLSearchParams({ model })}`);
      if (response.status === 200) return new Words(await unpacked(new Uint8Array(await response.arrayBuffer())));
      waiting(); // it is being laid out
      await new Promise((resolve) => setTimeout(resolve, 1000 * response.headers.get("retry-after")));
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }
}
