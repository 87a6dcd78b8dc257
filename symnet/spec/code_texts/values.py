"""E04xx: values and data."""

from __future__ import annotations

from symnet.spec.code_texts.code import Code

VALUES = {
    "E0401": Code(
        "values that cannot be used",
        "Values are missing, of the wrong shape, not finite, or a number is out of the range of its option. "
        "The message names the tensor or option and what was found.",
        "section",
        "train: {optimizer: {adam: {lr: -1}}}",
        "train: {optimizer: {adam: {lr: 0.001}}}",
    ),
    "E0402": Code(
        "a data file that cannot be opened",
        "There is no such file, it is damaged, or it is none of .csv, .npz, .npy and .parquet (and folders of "
        ".npy files). Paths in a model file are relative to it. Arrays of Python objects are never loaded.",
        "section",
        "data: {file: flowres.csv}",
        "data: {file: flowers.csv, inputs: {x: [a, b]}, target: {t: species}}",
    ),
    "E0403": Code(
        "a text that is no table",
        "A CSV file has a row of names and rows of as many values, separated by commas, semicolons or tabs, in UTF-8.",
        "table",
        "a,b,species\n1,2\n",
        "a,b,species\n1,2,red\n3,4,blue\n",
    ),
    "E0404": Code(
        "a column or array that is not there",
        "`inputs:` and `target:` map tensors to columns of a table or arrays of a file; left out, a tensor "
        "takes the one of its own name. The hint names a near one, or all there are.",
        "table",
        "a,c,species\n1,2,red\n3,4,blue\n",
        "a,b,species\n1,2,red\n3,4,blue\n",
    ),
    "E0405": Code(
        "a value that is missing",
        "An empty cell is no number, and nothing is filled in silently. Rows count from 1 without the row of "
        "names; the line of the file is named as well. Fill the cell, or drop the row.",
        "table",
        "a,b,species\n1,,red\n3,4,blue\n",
        "a,b,species\n1,2,red\n3,4,blue\n",
    ),
    "E0406": Code(
        "a value that is no number",
        "An input of kind real takes finite numbers with a decimal point. Texts become labels or one-hot rows "
        "where the tensor is declared so.",
        "table",
        "a,b,species\n1,two,red\n3,4,blue\n",
        "a,b,species\n1,2,red\n3,4,blue\n",
    ),
    "E0407": Code(
        "a label that is none of the classes",
        "Labels are whole numbers from 0 to the number of classes less one, or texts, which become labels in "
        "sorted order; there are as many different ones as the tensor has classes at most.",
        "table",
        "a,b,species\n1,2,0\n1,2,7\n",
        "a,b,species\n1,2,0\n1,2,1\n",
    ),
    "E0408": Code(
        "data of the wrong size",
        "The columns or array of a tensor have its shape, and all tensors have as many samples.",
        "section",
        "data: {file: flowers.csv, inputs: {x: [a]}, target: {t: species}}",
        "data: {file: flowers.csv, inputs: {x: [a, b]}, target: {t: species}}",
    ),
    "E0409": Code(
        "data larger than memory, or than the file",
        "An array says that it is larger than its file holds, or than memory. Large arrays as .npy files of "
        "the type that training uses are mapped and never loaded as a whole.",
    ),
    "E0410": Code(
        "a section data: that has no meaning",
        "`data:` names a built-in set (digits, iris, wine, two_moons, spirals, ...) with its options, or a "
        "file with its columns. The message says what does not go together.",
        "section",
        "data: {builtin: two_mons}",
        "data: {builtin: two_moons, samples: 100}",
    ),
    "E0411": Code(
        "no data at all",
        "A file without rows trains nothing. A row of names and one row of values are the least.",
        "table",
        "a,b,species\n",
        "a,b,species\n1,2,red\n3,4,blue\n",
    ),
}
