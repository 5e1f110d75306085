// A function that does nothing, for environments to be tried on before they have one.

export const handler = async (event) => event;
