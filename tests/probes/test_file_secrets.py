"""Secrets in a repository's files: those that people leave in earnest, and what only looks so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.probes._file_rules import RULES
from opsdeck.probes._file_secrets import secrets_in
from tests.probes.partners_local import document, repository, write

# Put together here, so that no scanner takes this file for a leak.
LEAKS = {
    "aws-access-key": "key = AKIA" + "Q3EGRIZLKQ7TWXYB",
    "private-key": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEowIBAAKCAQEAx0\n",
    "uri-with-password": "mongodb+srv://app:" + "h7Gk2pQ9@db.opsdeck.dev/app",
    "github-token": "ghp_" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "gitlab-token": "glpat-" + "x8Kq02LmZx9Rt5Vb7Nc3",
    "slack-token": "xoxb-" + "123456789012-a8Kq02LmZx9R",
    "slack-webhook": "https://hooks.slack.com/services/T0A1B2C3D/B0A1B2C3D/a8Kq02LmZx9Rt5Vb7Nc3",
    "stripe-key": "sk_live_" + "a8Kq02LmZx9Rt5Vb7Nc3",
    "google-key": "AIza" + "SyA8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8G",
    "npm-token": "npm_" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "sendgrid-key": "SG." + "a8Kq02LmZx9Rt5Vb7Nc3Yd.1We6Uf4Jh8Gs2Pa8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4J",
    "openai-key": "sk-proj-" + "a8Kq02LmZx9Rt5Vb7Nc3Yd1We6Uf4Jh8Gs2P",
    "secret-to-fall-back-on": "process.env.SESSION_SECRET || '" + "blaubeerkuchen'",
    "secret-in-call": "cookieParser('" + "blaubeerkuchen')",
    "secret-in-settings": "DB_PASSWORD: " + "blaubeerkuchen",
    "secret-in-command": "mongodump --password " + "blaubeerkuchen",
    "assigned-secret": "const clientSecret = '" + "a8Kq02LmZx9Rt5Vb7" + "';",
}


@pytest.mark.parametrize("rule", sorted({rule.name for rule in RULES}))
def test_secrets_are_found(rule: str) -> None:
    places = secrets_in(f"first line\n\n  {LEAKS[rule]}\n", "deploy.yml").secrets
    assert (3, rule) in places


@pytest.mark.parametrize(
    "line",
    [
        "const secret = process.env.SECRET;",
        "password: ${DB_PASSWORD}",
        "SESSION_SECRET=changeme",
        "API_KEY=your-api-key-here",
        "token = 'AKIAIOSFODNN7EXAMPLE'",
        "mongodb://user:<password>@localhost/db",
        "mongodb://user:password@localhost/db",
        "mongodb://user:${PASSWORD}@db/app",
        "if (password === 'user.password.too.short') {",
        "tokenType: 'Bearer-Authorization'",
        "secretName: 'production-tls-certificate'",
        LEAKS["stripe-key"] + "  # gitleaks:allow",
        "https://example.com:443/a@b",
    ],
)
def test_what_is_no_secret(line: str) -> None:
    assert secrets_in(line + "\n").secrets == []


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(LEAKS)), st.integers(0, 20_000), st.text("ab \n", max_size=50))
def test_a_secret_is_found_wherever_it_lies(rule: str, offset: int, after: str) -> None:
    text = ("x y\n" * 6_000)[:offset] + "\n" + LEAKS[rule] + "\n" + after
    assert any(name == rule for _, name in secrets_in(text, "deploy.yml").secrets)


RANDOM = "a8Kq02LmZx9Rt5Vb7Nc3"
IN_EARNEST = [
    ("src/db.js", 'const password = "correcthorse";'),
    ("src/db.js", "mongoose.connect(url, { user: 'shop', pass: 'sommerwind' })"),
    ("src/mail.ts", "auth: { user: 'shop@acme.io', pass: 'Winterschlaf!' }"),
    ("src/auth.ts", "const jwtSecret = 'my-super-secret-key';"),
    ("src/auth.ts", "const JWT_SECRET: string = 'shopsigningthing';"),
    ("src/app.js", "app.use(session({ secret: 'keyboard cat', resave: false }))"),
    ("src/app.js", "secret: ['blaubeere', 'altersecret']"),
    ("src/app.js", "const s = process.env.SESSION_SECRET || 'blaubeerkuchen';"),
    ("src/app.js", "const s = process.env['JWT_SECRET'] ?? 'shop-signing';"),
    (
        "src/auth.js",
        "const token = jwt.sign({ id: user.id }, 'mysupersecret', { expiresIn: '1h' })",
    ),
    ("src/app.js", "app.use(cookieParser('blaubeere'))"),
    ("src/x.js", "crypto.createHmac('sha256', 'blaubeere-zwei')"),
    ("src/x.js", "if (req.body.password === 'letmeinplease') admin()"),
    ("docker-compose.yml", "    environment:\n      MONGO_INITDB_ROOT_PASSWORD: sommerwind\n"),
    ("docker-compose.yml", "    environment:\n      - MONGO_INITDB_ROOT_PASSWORD=sommerwind12\n"),
    ("docker-compose.prod.yml", "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-sommerwind}\n"),
    ("docker-compose.yml", "      JWT_SECRET: blaubeere\n"),
    ("k8s/deploy.yaml", "        - name: DB_PASSWORD\n          value: sommerwind\n"),
    ("k8s/deploy.yaml", '        - name: DB_PASSWORD\n          value: "sommerwind"\n'),
    ("k8s/secret.yaml", "kind: Secret\ndata:\n  password: c29tbWVyd2luZA==\n"),
    ("config/prod.yml", "db:\n  user: shop\n  password: sommerwind\n"),
    ("config/prod.yml", "db:\n  password: 'sommerwind'\n"),
    ("config/prod.json", '{"db": {"password": "sommerwind"}}'),
    (".env", "DB_PASSWORD=sommerwind\nPORT=3\n"),
    (".env.production", "SMTP_PASS=sommerwind\n"),
    (".env.production", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFE/K7MDENG/bPxRfiCYzz9qLm3T8vQw\n"),
    ("infra/main.tf", '  password = "sommerwind"\n'),
    ("infra/main.tf", '  master_password      = "Somm3rwind"\n'),
    ("infra/prod.tfvars", 'db_password = "sommerwind"\n'),
    ("infra/main.tf", 'variable "db_password" {\n  default = "sommerwind"\n}\n'),
    (".aws/credentials", "aws_secret_access_key = wJalrXUtnFE/K7MDENG/bPxRfiCYzz9qLm3T8vQw\n"),
    ("Dockerfile", "ENV DB_PASSWORD=sommerwind\n"),
    ("Dockerfile", "ENV DB_PASSWORD sommerwind\n"),
    ("application.properties", "spring.datasource.password=sommerwind\n"),
    ("scripts/backup.sh", "mongodump --username shop --password sommerwind --out x\n"),
    ("scripts/backup.sh", "curl -u admin:sommerwind https://ops.acme.io/x\n"),
    ("scripts/backup.sh", "export MONGO_PASSWORD=sommerwind\n"),
    ("src/cache.js", "createClient({ url: 'redis://:sommerwind@cache.acme.io:6379' })"),
    ("src/db.js", "connect('mongodb+srv://shop:sommerwind@cluster0.abcde.mongodb.net/shop')"),
    ("src/db.js", "connect('mongodb://shop:shop2024@db/shop')"),
    ("settings.py", 'DB_PASSWORD = os.environ.get("DB_PASSWORD", "sommerwind")'),
    ("settings.py", "SECRET_KEY = 'django-insecure-a8Kq02LmZx9Rt5Vb7Nc3'"),
    ("src/x.js", "const apiKey = 'a8Kq02LmZx9Rt5Vb7Nc3';"),
    ("src/x.js", "headers: { 'x-api-key': 'a8Kq02LmZx9Rt5Vb7Nc3' }"),
    ("src/x.ts", "password: '12345678',"),
    ("test/pay.test.js", "const k = 'sk_live_" + RANDOM + "'"),
    ("test/pay.test.js", "const apiKey = 'a8Kq02LmZx9Rt5Vb7Nc3Qw7Er5Ty'"),
    ("certs/server.key", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n"),
    ("README.md", "connect: `mongodb+srv://shop:xK9vQ2mLp4Rt7Wz@cluster0.abcde.mongodb.net/shop`"),
    ("src/x.js", "const adminPassword = 'Somm3r!'"),
    ("src/seed.ts", "password: await bcrypt.hash('x', 10), adminPassword: 'Admin123!'"),
]
HARMLESS = [
    ("src/x.js", "const password = process.env.DB_PASSWORD;"),
    ("src/x.ts", "password: string; secret?: string; token: string"),
    ("src/x.ts", "errors.password = 'Required'"),
    ("src/x.ts", "errors.password = 'must contain a digit'"),
    ("src/x.ts", "password: 'cannot contain spaces'"),
    ("src/x.ts", "const RESET_PASSWORD = 'RESET_PASSWORD', SET_PASSWORD = 'user/setPassword'"),
    (
        "src/x.ts",
        (
            '<input type="password" name="password" autoComplete=\'current-password\''
            ' placeholder="Password" />'
        ),
    ),
    ("src/x.ts", "const TOKEN_KEY = 'auth_token'; localStorage.getItem(TOKEN_KEY)"),
    ("src/x.ts", "const ACCESS_TOKEN = 'access_token'"),
    ("src/x.ts", "_.omit(user, ['password', 'createdAt', 'firstName'])"),
    ("src/x.ts", "select: '-password', exclude: ['password', 'resetToken']"),
    ("src/x.ts", "INVALID_TOKEN: 'auth/token-expired-401'"),
    ("src/x.ts", "tokenUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/token'"),
    (
        "src/x.ts",
        "secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf'",
    ),
    ("src/x.ts", "SecretId: 'prod/shop/db', secretName: 'shop-prod-db-2024'"),
    ("src/x.ts", "const secret = await getSecret('shop-db')"),
    ("src/x.ts", "passwordHash: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'"),
    ("src/x.ts", "process.env.REDIS_PASSWORD || ''"),
    ("src/x.ts", "process.env.JWT_SECRET || 'dev-secret'"),
    ("src/x.ts", "password: Joi.string().min(8).required(), secret: { type: String }"),
    ("src/x.ts", "{ path: 'password', message: 'Password too short' }"),
    ("src/x.ts", "case 'token': return 'Bearer'; tokenType = 'Bearer'"),
    ("src/x.ts", "username: 'username', password: 'password'"),
    ("src/x.ts", "header: 'X-CSRF-Token', csrfToken: 'x-csrf-token'"),
    ("src/x.ts", "const bypass = 'something', compass: 'northwest'"),
    ("src/x.ts", "pwd: '/srv/app/current', PWD='/srv/app1/x'"),
    ("src/x.ts", "const { password = 'none' } = x"),
    ("src/x.ts", "password ? 'visible' : 'hidden', type: show ? 'text' : 'password'"),
    ("src/x.ts", "dateToken = 'YYYY-MM-DD', tokenSeparator: 'comma-separated'"),
    ("src/x.ts", "passwordPolicy: 'eightOrMore', passwordResetUrl: '/reset/Pass1word'"),
    (
        "src/locales/de.json",
        '{"password": "Passwort", "secret": "Geheimnis", "forgotPassword": "Passwort vergessen?"}',
    ),
    ("src/locales/es.json", '{"password": "Contrasena"}'),
    (
        "package.json",
        (
            '{"dependencies": {"jsonwebtoken": "^9.0.2", "generate-password": "^1.7.1",'
            ' "passport": "0.7.0", "password": "npm:passgen@1.2.3"}}'
        ),
    ),
    (".eslintrc.json", '{"rules": {"no-secrets/no-secrets": "error"}}'),
    ("test/auth.test.js", "const user = { email: 'ada@example.com', password: 'Test1234!' }"),
    ("test/auth.test.js", "process.env.JWT_SECRET = 'just-for-the-suite'"),
    (
        "test/auth.test.js",
        (
            "token = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"
            ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'"
        ),
    ),
    ("test/auth.test.js", "resetToken: '550e8400-e29b-41d4-a716-446655440000'"),
    ("test/uri.test.js", "parse('mongodb://user:p%40ss1@host1:27017/db')"),
    ("test/fixtures/key.pem", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n"),
    (
        "README.md",
        'curl -d \'{"email":"ada@acme.io","password":"Passw0rd!"}\' https://api.acme.io/login',
    ),
    ("README.md", "export SESSION_SECRET=some-long-random-string"),
    ("README.md", "MONGODB_URI=mongodb+srv://user:pass@cluster.mongodb.net/shop"),
    ("docs/api.md", "curl -u ada:wonderland https://api.acme.io"),
    (
        ".env.example",
        "SESSION_SECRET=generate-with-openssl\nDATABASE_URL=postgresql://postgres:postgres@localhost:5432/shop\nSTRIPE_SECRET_KEY=sk_test_xxx\n",
    ),
    (
        "docker-compose.yml",
        "      POSTGRES_PASSWORD: postgres\n      MONGO_INITDB_ROOT_PASSWORD: example\n      MYSQL_ROOT_PASSWORD: devpassword\n      RABBITMQ_DEFAULT_PASS: guest\n",
    ),
    (
        "docker-compose.yml",
        "      - DATABASE_URL=postgres://app:app@db:5432/app\n      - MONGO_URL=mongodb://root:example@mongo:27017/\n      DB_PASSWORD: ${DB_PASSWORD}\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password\n",
    ),
    (
        "docker-compose.yml",
        "secrets:\n  db_password:\n    file: ./secrets/db_password.txt\n      source: db_password\n",
    ),
    (
        ".github/workflows/ci.yml",
        "      POSTGRES_PASSWORD: postgres\n      JWT_SECRET: for-ci-only\n      token: ${{ secrets.GITHUB_TOKEN }}\n      NPM_TOKEN: ${{ secrets.NPM_TOKEN }}\n",
    ),
    (
        "k8s/values.yaml",
        "mongodb:\n  existingSecret: shop-mongodb\n  auth:\n    existingSecretPasswordKey: password\nimagePullSecrets:\n  - name: regcred\n",
    ),
    (
        "k8s/deploy.yaml",
        "        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: shop-db\n              key: password\n",
    ),
    (
        "k8s/sealed.yaml",
        "kind: SealedSecret\nspec:\n  encryptedData:\n    password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEqxyz01\n",
    ),
    (
        "k8s/ext.yaml",
        "kind: ExternalSecret\nspec:\n  secretStoreRef:\n    name: aws\n  data:\n  - secretKey: password\n    remoteRef: {key: prod/db2}\n",
    ),
    (
        "secrets.enc.yaml",
        "db:\n    password: ENC[AES256_GCM,data:abc12345,iv:xx,tag:yy]\nsops:\n    kms: []\n",
    ),
    (
        "group_vars/all.yml",
        'db_password: "{{ vault_db_password }}"\nother_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n',
    ),
    (
        "infra/main.tf",
        '  password = var.db_password\n  secret_string = random_password.db.result\n  manage_master_user_password = true\n  name = "shop-db-password"\n',
    ),
    (
        "infra/main.tf",
        'resource "random_password" "db" {\n  length = 32\n}\nresource "aws_secretsmanager_secret" "db_password" {\n name = "prod/shop/db"\n}\n',
    ),
    (
        "infra/main.tf",
        'resource "aws_secretsmanager_secret" "database" {\n  description = "main"\n}\n',
    ),
    (
        "infra/variables.tf",
        'variable "db_password" {\n  type = string\n  sensitive = true\n  default = "" \n}\n',
    ),
    (
        "template.yaml",
        '      MasterUserPassword: !Ref DBPassword\n      MasterPassword: "{{resolve:secretsmanager:prod/db:SecretString:password}}"\n      Password: !Sub "${x}"\n',
    ),
    (
        "openapi.yaml",
        "        password:\n          type: string\n          format: password\n          example: correcthorse\n        token: {type: string}\n      tokenUrl: https://a.acme.io/oauth2/token1\n",
    ),
    (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
    (
        "scripts/x.sh",
        'read -s PASSWORD\nDB_PASSWORD=$(aws ssm get-parameter --name x)\nPASSWORD="$1"\nmongodump --password "$PW"\nmongodump --password $PW\ncurl -u "$U:$P" x\nopenssl rand -hex 32\n',
    ),
    ("src/x.js", "const Secret = require('../models/secret'), token = require('./token')"),
    ("src/x.js", "secret: { from: 'vault' }, tokens: ['alpha', 'beta']"),
    ("src/x.js", "@Column({ name: 'password', select: false }) password: string"),
    ("src/theme.ts", "tokens: { colors: 'brand-blue-500' }, token('colors.brand500x')"),
    ("src/x.ts", "accessKeyId: 'AKIAIOSFODNN7EXAMPLE'"),
    ("src/x.ts", "console.log('password:', 'redacted')"),
    ("src/x.ts", "const tokenCookieName = 'shop_session2'; apiKeyHeader = 'x-shop-api-key2'"),
    ("src/x.ts", "provide: 'API_KEY_V2', privateKey: fs.readFileSync('key2.pem')"),
    ("src/x.ts", "this.passwordInput = 'div.login-form2 input'"),
    ("src/x.sql", "CREATE USER shop WITH PASSWORD :'pw'"),
    ("Makefile", "\tPASSWORD=$(PW) ./run\n"),
    ("src/mail.html", "<td>Your password: <b>{{password}}</b></td>"),
    ("src/x.vue", ':rules="[v => !!v || \'Password is required\']" :password="form.password"'),
    ("yarn.config", "x"),
    ("src/x.js", "const secret = crypto.randomBytes(32).toString('hex')"),
    (
        "config/default.json",
        '{"password": "", "jwt": {"secret": "JWT_SECRET"}, "db": {"password": "DB_PASSWORD"}}',
    ),
    (
        "config/custom-environment-variables.json",
        '{"mail": {"pass": "SMTP_PASS", "secret": "SHOP_SESSION_SECRET"}}',
    ),
    ("src/x.ts", "inject(SECRET_TOKEN, 'shopConfig')"),
    (
        "serverless.yml",
        "  environment:\n    DB_PASSWORD: ${ssm:/shop/db/password}\n    JWT_SECRET: ${env:JWT_SECRET}\n    SECRET_ARN: !Ref DbSecret\n",
    ),
    ("deploy/shop.service", "EnvironmentFile=/etc/shop/env\nEnvironment=NODE_ENV=production\n"),
    ("src/x.ts", "const passwordRegex = '^(?=.*[A-Z])(?=.*[0-9]).{8,}'"),
    ("src/x.js", "pass: 'passed', fail: 'failed'"),
]


@pytest.mark.parametrize(("path", "text"), IN_EARNEST)
def test_secrets_as_people_leave_them(path: str, text: str) -> None:
    # GIVEN a line of a repository with a secret, most of them chosen by people and without a digit
    # WHEN the file is searched THEN it is found
    assert secrets_in(text, path).secrets


@pytest.mark.parametrize(("path", "text"), HARMLESS)
def test_what_is_written_beside_secrets(path: str, text: str) -> None:
    # GIVEN names, labels, references, encrypted values, tests, examples and local databases
    # WHEN the file is searched THEN nobody is accused
    assert secrets_in(text, path).secrets == []


def test_what_is_spared_is_owned_up_to() -> None:
    # GIVEN a password made up for a test THEN it does not count, and is named all the same
    places = secrets_in("const user = { password: 'Sommer2024!' }", "test/auth.test.js")
    assert (places.secrets, places.samples) == ([], [(1, "assigned-secret")])
    # AND in the service's code it does count
    assert secrets_in("const user = { password: 'Sommer2024!' }", "src/auth.js").secrets


async def test_a_search_of_a_repository(tmp_path: Path) -> None:
    # GIVEN a repository with a leak in a tracked file, and one in a file that git ignores
    repository(
        tmp_path,
        {
            "src/app.js": f"\n\nconst k = '{LEAKS['stripe-key']}'\nprocess.env.PORT\n",
            "logo.png": LEAKS["github-token"],
            "test/fake.js": LEAKS["npm-token"],
            ".gitignore": ".env\n",
        },
    )
    write(tmp_path, {".env": LEAKS["aws-access-key"]})
    # WHEN it is searched but for its tests
    scan = (await document("file", tmp_path, scan="secrets", ignore=["test"]))["scan"]
    # THEN the place is named, and the secret is not
    assert scan["found"] == [{"path": "src/app.js", "line": 3, "rule": "stripe-key"}]
    assert (scan["count"], scan["unread"], scan["listed_by"]) == (1, 0, "git")
    # AND what it reads from its environment is compared with the example
    write(tmp_path, {".env.example": "OTHER=\n"})
    seen = await document("file", tmp_path, path=".env.example", scan="variables")
    assert seen["scan"]["undocumented"] == ["PORT"]


async def test_a_folder_without_git_is_searched_too(tmp_path: Path) -> None:
    write(tmp_path, {"a/app.py": LEAKS["npm-token"], ".env": LEAKS["npm-token"]})
    write(tmp_path, {"node_modules/x.js": LEAKS["npm-token"], "big.txt": "x" * 1_100_000})
    scan = (await document("file", tmp_path, scan="secrets"))["scan"]
    assert scan["found"] == [{"path": "a/app.py", "line": 1, "rule": "npm-token"}]
    # AND a file too large to be read is owned up to
    assert (scan["listed_by"], scan["unread"]) == ("walk", 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('const password = "hunter2' + 'secretpw";', 1),
        ('client.connect({user: "root", password: "Sup3r' + 'S3cret!"})', 1),
        ("const password = process.env.DB_PASSWORD1", 0),
        ('password: "changeme1"', 0),
        ('passwordField: "input1field"', 0),
    ],
)
async def test_passwords_that_people_choose(tmp_path: Path, text: str, found: int) -> None:
    # GIVEN code with a password of words, or with none  WHEN it is scanned THEN it is told
    (tmp_path / "a.js").write_text(f"{text}\n")
    assert (await document("file", tmp_path, scan="secrets"))["scan"]["count"] == found
