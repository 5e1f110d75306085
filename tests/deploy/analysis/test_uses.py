"""What units may do: found in their code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deploy.analysis.conftest import Analysed

_TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/orders"
_BUCKET = "arn:${AWS::Partition}:s3:::uploads"
_FUNCTION = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:other"
_QUEUE = "arn:${AWS::Partition}:sqs:eu-west-1:111122223333:jobs"

_URL = "c.get_queue_url(QueueName='jobs')['QueueUrl']"

USES = [
    ("q = Queue('a')\ndef use(): q.send(1)", {"queue a": "send"}),
    ("import lambent as l\ndef use(): l.Queue(name='a').send(1)", {"queue a": "send"}),
    ("t = Table('a', key='id')\ndef use(): t.get(1)", {"table a": "read"}),
    ("t = Table('a', key='id')\nasync def use(): await t.aput({})", {"table a": "write"}),
    ("t = Table('a', key='id')\ndef use(): t.update(1); t.query('x')", {"table a": "read write"}),
    ("t = Table('a', key='id')\ndef use(): print(t)", {"table a": "read write"}),
    ("def use():\n    t = Table('a', key='id')\n    t.delete(1)", {"table a": "write"}),
    (("class S:\n    def __init__(self): self.t = Table('a', key='id')\n    def f(self): self.t.scan()\n"
      "def use(): S().f()"), {"table a": "read"}),
    ("@app.provide\nclass S:\n    t = Table('a', key='id')\n    def f(self): self.t.scan()\ndef use(s: S): s.f()",
     {"table a": "read"}),
    ("class S: ...\n@app.provide\ndef make() -> 'S':\n    Queue('a').send(1)\n    return S()\ndef use(s: S): s.f()",
     {"queue a": "send"}),
    ("class S: ...\ndef make() -> S:\n    Queue('a').send(1)\napp.provide(make)\ndef use(s: S): ...",
     {"queue a": "send"}),
    ("class S: ...\ndef make(): Queue('a')\napp.provide(make, type=S)\ndef use(s: S): ...", {"queue a": "send"}),
    ("class S:\n    def f(self): Queue('a').send(1)\napp.provide(S)\ndef use(s: S): s.f()", {"queue a": "send"}),
    ("class S:\n    def f(self): Queue('a').send(1)\napp.provide(S)\ndef use(): ...", {}),
    ("t = Table[int]('a', key='id')\ndef use(): t.get(1)", {"table a": "read"}),
    ("def queue(): return Queue('a')\ndef use(): queue().send(1)", {"queue a": "send"}),
    ("def use(): invoke('other_one')", {"function other_one": "call"}),
    ("def use(): return ainvoke_async('other_one:live')", {"function other_one": "call"}),
    ("NAME = 'other_one'\ndef use(): invoke(NAME)", {"function other_one": "call"}),
    ("HANDLERS = {'x': lambda: Queue('a')}\ndef use(): HANDLERS['x']().send(1)", {"queue a": "send"}),
    ("def deep(): Queue('a')\nf = deep\ndef use(): f()", {"queue a": "send"}),
    ("@app.middleware\ndef layer(i, call_next):\n    Queue('a').send(1)\n    return call_next(i)\ndef use(): ...",
     {"queue a": "send"}),
    ("def use(): post_to_connection('https://x', 'y', 1)", {"channel chat": "manage"}),
    ("import os\ndef use(): os.environ['QUEUE_URL_A']", {"queue a": "send"}),
    ("import os\ndef use(): os.getenv('LAMBENT_BUCKET_FILES')", {"bucket files": "put read write"}),
    ("import boto3, os\nd = boto3.client('dynamodb')\ndef use(): d.get_item(TableName=os.environ['LAMBENT_TABLE_B_C'])",
     {"table b-c": "read"}),
    (("import boto3, os\ndef use():\n    t = boto3.resource('dynamodb').Table(os.environ['LAMBENT_TABLE_B_C'])\n"
      "    with t.batch_writer() as b: b.put_item(Item={})"), {"table b-c": "write"}),
    ("import os\ndef use(): os.environ['LAMBENT_FUNCTION_OTHER_ONE']", {"function other_one": "call"}),
    ("from shop.things import t, helper\ndef use():\n    t.put({})\n    helper()",
     {"table things": "write", "queue a": "send"}),
    ("import shop.things\ndef use(): shop.things.t.get(1)", {"table things": "read"}),
    ("from shop import things as th\ndef use(): th.helper()", {"queue a": "send"}),
    ("from shop.things import *\ndef use(): t.scan()", {"table things": "read"}),
    ("def use(): ...\ndef unused(): Queue('a').send(1)", {}),
    ("if __name__ == '__main__':\n    Queue('a').send(1)\ndef use(): ...", {}),
]  # fmt: skip
THINGS = {
    "shop/__init__.py": "",
    "shop/things.py": "from lambent import Queue, Table\nt = Table('things', key='id')\ndef helper(): Queue('a')",
}
START = """from lambent import *
from lambent import App, Queue, Table, ainvoke_async, invoke, post_to_connection
app = App("shop")
"""
END = """
app.get("/")(use)
@app.get("/other")
def other_one(): Queue("b").send(1)
@app.channel("chat")
class chat:
    def on_connect(self): ...
"""
SETTINGS = """
[app]
unit = "function"
[resources.queues.a]
[resources.buckets.files]
[resources.tables.b-c]
key = "id"
"""


@pytest.mark.parametrize(("code", "expected"), USES)
def test_what_a_handler_uses(analysed: Analysed, code: str, expected: dict[str, str]) -> None:
    manifest = analysed({"app.py": START + code + END, "lambent.toml": SETTINGS, **THINGS})
    found = {f"{use.kind} {use.name}": " ".join(use.access) for use in manifest.uses if use.unit == "use"}
    assert found == expected
    assert manifest.findings == ()
    assert not [one for one in manifest.permissions if one.unit == "use"]
    # What another handler uses is nothing of this one's, but for what goes around both.
    others = {use.name for use in manifest.uses if use.unit == "other_one"}
    assert others == ({"a", "b"} if "@app.middleware" in code else {"b"})


PERMISSIONS = [
    ("def use(): boto3.client('s3').put_object(Bucket='uploads', Key='x')",
     ["s3:PutObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("s3 = boto3.client('s3')\ndef use(): s3.upload_file('f', 'uploads', 'k')",
     ["s3:AbortMultipartUpload", "s3:PutObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.client('s3').get_paginator('list_objects_v2').paginate(Bucket='uploads')",
     ["s3:ListBucket"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.client('s3').generate_presigned_url('get_object', Params={'Bucket': 'uploads', 'Key': 'x'})",
     ["s3:GetObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.resource('s3').Object('uploads', 'x').get()", ["s3:GetObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.Session().client('dynamodb').query(TableName='orders')",
     ["dynamodb:Query"], [_TABLE, f"{_TABLE}/index/*"]),
    ("def use():\n    table = boto3.resource('dynamodb').Table('orders')\n    table.put_item(Item={})",
     ["dynamodb:PutItem"], [_TABLE, f"{_TABLE}/index/*"]),
    (("sqs = boto3.client('sqs')\nURL = 'https://sqs.eu-west-1.amazonaws.com/111122223333/jobs'\n"
      "def use(): sqs.send_message_batch(QueueUrl=URL, Entries=[])"), ["sqs:SendMessage"], [_QUEUE]),
    (("class S:\n    def __init__(self): self.ses = boto3.client('ses')\n    def mail(self): self.ses.send_email()\n"
      "def use(): S().mail()"), ["ses:SendEmail"], ["*"]),
    ("def use(): boto3.client('lambda').invoke(FunctionName='other')",
     ["lambda:InvokeFunction"], [_FUNCTION, f"{_FUNCTION}:*"]),
    ("def use(): boto3.client('cloudwatch').put_metric_data()", ["cloudwatch:PutMetricData"], ["*"]),
    (("S = 'arn:aws:states:us-east-1:1:stateMachine:m'\n"
      "def use(): boto3.client('stepfunctions').start_execution(stateMachineArn=S)"),
     ["states:StartExecution"], ["arn:aws:states:us-east-1:1:stateMachine:m"]),
    ("def use(): boto3.client('events').put_events(Entries=[{'Source': 'shop'}])",
     ["events:PutEvents"], ["arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"]),
    ("from lambent import invoke\ndef use(): invoke('arn:aws:lambda:us-east-1:1:function:x')",
     ["lambda:InvokeFunction"], ["arn:aws:lambda:us-east-1:1:function:x", "arn:aws:lambda:us-east-1:1:function:x:*"]),
    (("def use():\n    with boto3.resource('dynamodb').Table('orders').batch_writer() as batch:\n"
      "        batch.put_item(Item={})"), ["dynamodb:BatchWriteItem"], [_TABLE, f"{_TABLE}/index/*"]),
    ("def use(): boto3.resource('s3').Bucket('uploads').Object('a/key').put()",
     ["s3:PutObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): [one for one in boto3.resource('s3').Bucket('uploads').objects.filter(Prefix='a')]",
     ["s3:ListBucket"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.resource('s3').Bucket('uploads').object_versions.delete()",
     ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.resource('dynamodb').meta.client.get_item(TableName='orders')",
     ["dynamodb:GetItem"], [_TABLE, f"{_TABLE}/index/*"]),
    ("def use(s3=boto3.client('s3')): s3.put_object(Bucket='uploads', Key='x')",
     ["s3:PutObject"], [_BUCKET, f"{_BUCKET}/*"]),
    ("def use(): boto3.client('sts').assume_role(RoleArn='arn:aws:iam::1:role/x')",
     ["sts:AssumeRole"], ["arn:aws:iam::1:role/x"]),
    ("def use(): boto3.client('kms').decrypt(KeyId='alias/app')",
     ["kms:Decrypt"], ["arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"]),
    ("def use(): boto3.client('ssm').get_parameters(Names=['/a', 'b'])", ["ssm:GetParameters"],
     [f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter/{one}" for one in "ab"]),
    ("CONFIG = boto3.client('ssm').get_parameter(Name='/shop/key')\ndef use(): ...",
     ["ssm:GetParameter"], ["arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/key"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "actions", "resources"), PERMISSIONS)
def test_what_calls_of_boto3_need(
    analysed: Analysed, code: str, actions: list[str], resources: list[str]
) -> None:
    manifest = analysed(
        {
            "functions.py": f"import boto3\n{code}\n",
            "lambent.toml": '[[function]]\nname = "use"\nhandler = "functions.use"\n',
        }
    )
    assert [(list(one.actions), list(one.resources)) for one in manifest.permissions] == [
        (actions, resources)
    ]
    assert manifest.findings == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "def use(s): boto3.client('s3').copy_object(Bucket='to', CopySource={'Bucket': 'of', 'Key': s})",
            {"s3:::of": "s3:GetObject", "s3:::to": "s3:PutObject"},
        ),
        (
            "def use():\n    of = {'Bucket': 'of', 'Key': 'x'}\n    boto3.resource('s3').Object('to', 'x').copy(of)",
            {"s3:::of": "s3:GetObject", "s3:::to": "s3:AbortMultipartUpload s3:PutObject"},
        ),
        (
            "sqs = boto3.resource('sqs')\ndef use(): sqs.get_queue_by_name(QueueName='jobs').send_message()",
            {"jobs": "sqs:GetQueueUrl sqs:SendMessage"},
        ),
        (
            f"c = boto3.client('sqs')\ndef use(): c.send_message(QueueUrl={_URL})",
            {"jobs": "sqs:GetQueueUrl sqs:SendMessage"},
        ),
    ],
)
def test_calls_that_are_for_two_things_or_need_two(
    analysed: Analysed, code: str, expected: dict[str, str]
) -> None:
    manifest = analysed(
        {
            "functions.py": f"import boto3\n{code}\n",
            "lambent.toml": '[[function]]\nname = "use"\nhandler = "functions.use"\n',
        }
    )
    found: dict[str, set[str]] = {}
    for one in manifest.permissions:
        name = next(name for name in expected if one.resources[0].endswith(name))
        found.setdefault(name, set()).update(one.actions)
    assert {name: " ".join(sorted(actions)) for name, actions in found.items()} == expected
    assert manifest.findings == ()


def test_a_client_of_connections_is_for_the_apps_channels(analysed: Analysed) -> None:
    code = """
        import boto3
        from lambent import App
        app = App("shop")
        @app.channel("chat")
        class chat:
            def on_connect(self): boto3.client("apigatewaymanagementapi").post_to_connection(ConnectionId="x")
    """
    manifest = analysed({"app.py": code})
    assert [(use.kind, use.name, use.access) for use in manifest.uses] == [("channel", "chat", ("manage",))]
    assert manifest.permissions == ()


DOUBTS = [
    (
        "def use(): [boto3.client('s3')][0].get_object()",
        "a client of s3 is made here, and no call of it can be",
    ),
    ("def use(f): f(boto3.client('s3'))", "a client of s3 is handed on here"),
    ("def use(x): boto3.client(x).get()", "the service of this client of boto3 is not a text"),
    ("def use(x): boto3.client('sts').assume_role(RoleArn=x)", "sts:AssumeRole is permitted for everything"),
    (
        "import os\ndef use(): boto3.client('s3').put_object_tagging(Bucket=os.environ['LAMBENT_BUCKET_FILES'])",
        "s3:PutObjectTagging is not permitted: using a bucket",
    ),
    ("def use(x): boto3.client('s3').get_object(Bucket=x)", "s3:GetObject is permitted for everything"),
    ("s3 = boto3.client('s3')\ndef use(): print(s3)", "a client of s3 is handed on here"),
    ("def use(x): Queue(x).send(1)", "this queue's name is not a text in the code"),
    ("def use(x): invoke(x)", "invoke is told its function at run time"),
    ("def use(): invoke('others')", "others is called, and is no unit of the app"),
    ("def use(): boto3.client('nothing').get()", "boto3 knows no service nothing"),
    (
        "import os\ndef use(): os.environ['LAMBENT_TABLE_GONE']",
        "the variable LAMBENT_TABLE_GONE tells a table, and the",
    ),
    (
        "def use(): boto3.resource('ec2').Instance('x').frobnicate()",
        "what Instance.frobnicate of boto3's resource",
    ),
]


@pytest.mark.parametrize(("code", "told"), DOUBTS)
def test_what_cannot_be_followed_is_told(analysed: Analysed, code: str, told: str) -> None:
    start = "from lambent import Queue, invoke\nimport boto3\n"
    settings = '[[function]]\nname = "use"\nhandler = "functions.use"\n[resources.buckets.files]\n'
    manifest = analysed(
        {
            "functions.py": start + code,
            "lambent.toml": settings,
        }
    )
    (finding,) = manifest.findings
    assert finding.message.startswith(told)
    assert finding.place.startswith("functions.py:")


def test_tables_are_as_the_code_declares_them(analysed: Analysed) -> None:
    manifest = analysed(
        {
            "app.py": """
                from typing import TypedDict
                from lambent import App, Table
                class Order(TypedDict):
                    id: int
                    item: str
                    placed: float
                app = App("shop")
                orders = Table("orders", Order, key="id", indexes={"by_item": ("item", "placed")}, ttl="gone")
                @app.get("/")
                def f():
                    later = Table("later", key="a", sort="b", indexes={"c": "d"})
                    return later.get("1", "2"), orders.get(1)
            """,
            "lambent.toml": "[resources.tables.orders]\nrecovery = true",
        }
    )
    later, orders = manifest.tables
    assert (later.key.name, later.sort and later.sort.name, later.indexes[0].key.name) == ("a", "b", "d")
    assert (orders.key.type, orders.ttl, orders.recovery) == ("N", "gone", True)
    index = orders.indexes[0]
    assert (index.name, index.key.name, index.key.type) == ("by_item", "item", "S")
    assert index.sort is not None
    assert (index.sort.name, index.sort.type) == ("placed", "N")


def test_what_an_access_permits_is_what_rendering_writes() -> None:
    from lambent.deploy.analysis.actions import _ACCESS
    from lambent.deploy.render import roles

    for kind, granted in (("queue", roles._OF_QUEUE), ("table", roles._OF_TABLE), ("bucket", roles._OF_OBJECTS),
                          ("stream", roles._OF_STREAM)):  # fmt: skip
        for access, actions in _ACCESS[kind].items():
            # Listing is for the bucket, and has a statement of its own.
            assert set(actions) - {"s3:ListBucket"} <= set(granted[access]), (kind, access)
