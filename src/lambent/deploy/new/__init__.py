"""New projects: the examples of the repository, under another name.

It imports the standard library and the errors of the pipeline.
"""

from lambent.deploy.new.creation import Created, create
from lambent.deploy.new.template import TEMPLATES, Template, template_named

__all__ = ["TEMPLATES", "Created", "Template", "create", "template_named"]
