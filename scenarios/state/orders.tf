# The same key as orders.yaml; orders.plan.json is its plan:
#   terraform plan -out=plan && terraform show -json plan

data "aws_caller_identity" "current" {}

resource "aws_kms_key" "orders" {
  description             = "Orders, production"
  enable_key_rotation     = true
  rotation_period_in_days = 180
  deletion_window_in_days = 30
  tags                    = { team = "orders" }
}

resource "aws_kms_alias" "orders" {
  name          = "alias/orders"
  target_key_id = aws_kms_key.orders.key_id
}

resource "aws_kms_grant" "shipping" {
  name              = "shipping"
  key_id            = aws_kms_key.orders.key_id
  grantee_principal = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/shipping"
  operations        = ["Decrypt"]
  constraints {
    encryption_context_equals = { stage = "production" }
  }
}

resource "aws_kms_key_policy" "orders" {
  key_id = aws_kms_key.orders.id
  policy = file("policy.json")
}
