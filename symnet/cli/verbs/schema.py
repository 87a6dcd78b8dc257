"""`symnet schema`: the JSON Schema of model files."""

from __future__ import annotations

import json

from symnet.cli.answer import Answer
from symnet.cli.call import Call
from symnet.cli.place import Place
from symnet.cli.verb import output_option, verb


@verb("schema")
@output_option("Write it to a file in place of stdout.")
def command(call: Call, output: str | None, force: bool) -> Answer:
    """Print the JSON Schema of model files.

    Editors complete and check model files by it: with the YAML extension of most editors a first line
    `# yaml-language-server: $schema=model.schema.json` is all that is needed.
    """
    from symnet.cli.written import written
    from symnet.spec.model_file import json_schema

    schema = json_schema()
    place = Place.of(output, force)
    return written(call, place, json.dumps(schema, indent=2) + "\n", {"schema": schema})
