/** The first lines of what "copy as PyTorch" gives: what it needs, and the state in words. */
const PIP = 'pip install "nin-lib @ git+https://github.com/OWNER_NOT_SET/network-in-network"';

export const heading = (state: string): string => `# Needs nin_lib: ${PIP}\n# ${state}\n`;
