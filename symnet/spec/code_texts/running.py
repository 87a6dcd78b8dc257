"""E05xx: caches, training, runs; E06xx: the command line; E07xx: optional parts."""

from __future__ import annotations

from symnet.spec.code_texts.code import Code

RUNNING = {
    "E0501": Code(
        "a folder for compiled kernels that cannot be used",
        "Compiled kernels are kept under SYMNET_CACHE_DIR, else in the user's cache folder. The folder must "
        "be writable by you and by nobody else, for what is in it is run. Set the variable to a folder of "
        "your own.",
    ),
    "E0502": Code(
        "training that cannot go on",
        "A checkpoint does not fit the model, the optimizer or the data, or is cut off or changed. A checkpoint "
        "carries a digest of all it holds; one that is damaged is not used, and the one before is taken with a "
        "warning. Where none is sound, begin anew in another folder.",
    ),
    "E0503": Code(
        "a run folder that does not fit",
        "A run folder is written by `symnet train --out run/` and holds the model, parameters, history and "
        "checkpoints. It is there already (go on with --resume, or name another), or is missing, or belongs "
        "to another model, or to other data: those of a run are known by their digest.",
    ),
    "E0504": Code(
        "a loss that is no longer finite",
        "The message names the step and the first tensor that holds a value which is not finite. A smaller learning "
        "rate, `clip_norm` in the optimizer, or `standardise: true` in the section data: often helps. The run folder "
        "keeps what was trained before.",
    ),
    "E0601": Code(
        "a command line that is not understood",
        "There is no such verb, option or argument. `symnet --help` lists the verbs, `symnet VERB --help` its options.",
        "shell",
        "symnet derive model.yaml --wtr W",
        "symnet derive model.yaml --wrt W",
    ),
    "E0602": Code(
        "a value that an option does not take",
        "The option is known, but not its value: the message says what it may be.",
        "shell",
        "symnet derive model.yaml --format docx",
        "symnet derive model.yaml --format text",
    ),
    "E0603": Code(
        "an argument that is missing",
        "Most verbs take a model file, `-` for standard input, or `path.py:name` of a Model or Tensor.",
        "shell",
        "symnet check",
        "symnet check model.yaml",
    ),
    "E0604": Code(
        "a file that is there already",
        "Nothing is overwritten without -f. Name another file, or say -f.",
        "shell",
        "symnet new model.yaml",
        "symnet new other.yaml",
    ),
    "E0605": Code(
        "a Python file without such a Model or Tensor",
        "`path.py:name` names a Model or Tensor at the top of a Python file. The message says what is there.",
        "shell",
        "symnet derive none.py:loss",
        "symnet derive model.yaml",
    ),
    "E0606": Code(
        "a Python file of your own that fails",
        "The file was run to find the Model or Tensor in it, and raised an error: the message says where.",
    ),
    "E0607": Code(
        "a file that cannot be written",
        "The folder is not there, may not be written to, or the name is a folder's. Missing folders are made.",
    ),
    "E0608": Code(
        "stopped by Ctrl-C",
        "What was trained is saved before the command ends; `symnet train --out run/ --resume` goes on from there.",
    ),
    "E0609": Code(
        "options that do not go together",
        "The message names the options that contradict each other.",
    ),
    "E0610": Code(
        "sizes that are open",
        "A module that `symnet compile` writes has its sizes in it, all but the batch. Those that a model leaves open "
        "are read off the data that its section data: names; else say them, `dims: {D: 64}` in a model file, or "
        "numbers in the shapes of a Python file.",
    ),
    "E0699": Code(
        "a bug in symnet",
        "This is not your mistake. The message says where the whole text of the failure was written: please report it.",
    ),
    "E0701": Code(
        "an optional part that is not installed",
        "Some things need further packages or programs: scikit-learn for its data sets and estimators, pyarrow for "
        "Parquet, pdflatex for PDF. The hint says how to get them; `symnet doctor` lists them all.",
        "shell",
        "symnet train model.yaml --workers 4",
        "symnet train model.yaml",
    ),
    "W0001": Code(
        "something to know that is no mistake",
        "A warning: the command goes on. For example, the loss does not depend on a tensor that it is derived by, so "
        "that the gradient is zero.",
    ),
}
