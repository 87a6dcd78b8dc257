"""E00xx: files as such."""

from __future__ import annotations

from symnet.spec.code_texts.code import Code

FILES = {
    "E0000": Code(
        "a mistake",
        "Something that was asked for cannot be done. The message says what was asked and what was found.",
    ),
    "E0001": Code(
        "a file that cannot be opened",
        "There is no file of that name, or it is a folder, or it may not be read. Paths on the command line "
        "are relative to the working directory, paths inside a model file to the folder of that file. `-` "
        "reads standard input.",
        "python",
        'sn.load_model("modle.yaml")',
        "",
    ),
    "E0002": Code(
        "a file that is no text",
        "Model files are UTF-8 text without control characters. The message says where the first byte or "
        'character stands that is neither. An editor\'s "save as UTF-8" mends it.',
        "file",
        "symnet: 1\nname: a\x07b\n",
        "symnet: 1\ntensors: {w: {shape: [], role: param}}\nformulas: L = w**2\nloss: L\n",
    ),
    "E0003": Code(
        "text that is no YAML",
        "Model files are YAML 1.2. Nesting is by indentation with spaces, never tabs; a text that holds `: ` "
        "or ` #`, or begins with a sign such as `[`, `{`, `&`, `*` or `%`, stands in quotes; brackets and "
        "quotes are closed. A file holds one document. Formulas stand below `formulas: |`, so that nothing in "
        "them means anything to YAML.",
        "section",
        "outputs: [z",
        "outputs: [z]",
    ),
    "E0004": Code(
        "text that is no JSON",
        "Keys and texts stand in double quotes, values are separated by commas, and there is none after the "
        "last. Numbers are finite: NaN and Infinity are no JSON. Formulas are best a list with a text for "
        "each.",
        "json",
        '{"symnet": 1, "loss": }',
        '{"symnet": 1, "tensors": {"w": {"shape": [], "role": "param"}}, "formulas": ["L = w**2"], "loss": "L"}',
    ),
    "E0005": Code(
        "text that is no TOML",
        "Texts stand in quotes, lists in square brackets, and a table begins with its name in square "
        "brackets. Formulas stand between triple quotes.",
        "toml",
        "symnet = 1\nloss = L\n",
        "symnet = 1\nloss = \"L\"\nformulas = '''\nL = w**2\n'''\n[tensors]\nw = {shape = [], role = \"param\"}\n",
    ),
    "E0006": Code(
        "a file that is too large or nested too deeply",
        "A model file is a page or two of text. Files of more than 500,000 characters, 20,000 values or 20 "
        "levels are not read, so that no file can keep the reader busy without end. Data belong in files of "
        "their own, see `data:`.",
        "section",
        "outputs: [[[[[[[[[[[[[[[[[[[[[[[[z]]]]]]]]]]]]]]]]]]]]]]]]",
        "outputs: [z]",
    ),
    "E0007": Code(
        "a key that stands twice",
        "Each key of a mapping stands once; which of two values was meant cannot be known. The carets show both.",
        "section",
        "name: a\nname: b",
        "name: b",
    ),
    "E0008": Code(
        "an anchor, alias, tag or merge",
        "YAML's anchors (`&a`), aliases (`*a`), tags (`!!str`) and merges (`<<`) are not read in model files: "
        "they let a short file stand for endless data, or for code. Write the value itself. A text that "
        "begins with `&`, `*` or `!` stands in quotes.",
        "section",
        "name: !!str softmax",
        "name: softmax",
    ),
    "E0009": Code(
        "a file that is no model file of a known version",
        "A model file is a mapping that begins with `symnet: 1`, the version of the format. A file of a later "
        "version needs a later symnet.",
        "file",
        "- tensors\n- formulas\n",
        "symnet: 1\ntensors: {w: {shape: [], role: param}}\nformulas: L = w**2\nloss: L\n",
    ),
    "E0010": Code(
        "an unknown key",
        "Every section has known keys, and no others, so that a slip of the pen is never taken for a default. "
        "The hint names the key that may have been meant, or all there are. `symnet schema` prints them for "
        "editors.",
        "section",
        "train: {epoch: 10}",
        "train: {epochs: 10}",
    ),
    "E0011": Code(
        "a key that is missing",
        "A model file needs `symnet`, `tensors`, `loss`, and `formulas` or `layers`; a tensor needs its "
        "`shape`, and a `role` unless a formula defines it; a layer needs the options of its kind; data come "
        "from `builtin` or `file`.",
        "tensors",
        "  v: {shape: [N]}",
        "  v: {shape: [N], role: input}",
    ),
    "E0012": Code(
        "a value of the wrong kind",
        "The key is known, but not such a value: the hint says what it may be. In YAML 1.2 `true` and `false` "
        "are truth values, and `yes`, `no`, `on` and `off` are texts; `1e-3` is a number.",
        "section",
        "train: {epochs: many}",
        "train: {epochs: 30}",
    ),
    "E0013": Code(
        "a word that is none of the known ones",
        "Some keys take one of a few words: roles, kinds, activations, number formats. The hint guesses and "
        "lists them. One dim at most is the `batch`.",
        "tensors",
        "  v: {shape: [N], role: inptu}",
        "  v: {shape: [N], role: input}",
    ),
}
