use crate::pages::texts::account::{AccountTexts, ConfirmTexts, ProblemTexts};
use crate::pages::texts::{Titled, Told};

pub(super) const ACCOUNT: AccountTexts = AccountTexts {
    title: "내 계정",
    check_input: "입력하신 내용을 확인해 주세요.",
    optional: "(선택)",
    sign_up: "회원 가입",
    sign_up_lead: "아래 내용을 입력하시면 바로 계정을 쓰실 수 있습니다.",
    sign_up_approval: "아래 내용을 입력해 주세요. 관리자가 승인하면 로그인하실 수 있습니다.",
    sign_up_submit: "가입하기",
    have_account: "이미 계정이 있으신가요?",
    id_hint: |extra, longest| format!("영문자와 숫자, {extra} 만 쓸 수 있고 {longest}자까지입니다."),
    present_password: "지금 비밀번호",
    new_password: "새 비밀번호",
    new_password_again: "새 비밀번호 한 번 더",
    new_password_hint: |least| {
        format!(
            "{least}자 이상으로 정해 주세요. 기호를 섞는 것보다 길게 만드는 것이 더 안전합니다. 흔한 비밀번호나 아이디와 비슷한 것은 쓸 수 없습니다."
        )
    },
    password: "비밀번호",
    change_password: "비밀번호 바꾸기",
    change_lead: "비밀번호를 바꾸면 다른 기기에서는 모두 로그아웃됩니다.",
    change_by_link: "새로 쓰실 비밀번호를 정해 주세요. 이 링크는 한 번만 쓸 수 있습니다.",
    sessions: "로그인한 기기",
    sessions_lead: "모르는 기기가 있으면 종료하고 비밀번호를 바꿔 주세요.",
    this_device: "이 기기",
    last_seen: "마지막 사용",
    began: "로그인",
    end_session: "로그아웃",
    end_others: "다른 기기에서 모두 로그아웃",
    withdraw: "탈퇴하기",
    withdraw_lead: "계정과 개인정보를 지우고 모든 기기에서 로그아웃합니다. 되돌릴 수 없습니다.",
    problems: ProblemTexts {
        id_missing: "아이디를 입력해 주세요.",
        id_impossible: "쓸 수 없는 글자가 있거나 너무 긴 아이디입니다.",
        id_taken: "사용할 수 없는 아이디입니다. 다른 아이디를 입력해 주세요.",
        name_impossible: "이름을 입력해 주세요. 줄바꿈 같은 특수한 글자는 쓸 수 없습니다.",
        email_impossible: "이메일 주소를 확인해 주세요. 예: name@example.ac.kr",
        field_missing: "이 칸을 채워 주세요.",
        password_too_short: |least| format!("비밀번호가 너무 짧습니다. {least}자 이상으로 정해 주세요."),
        password_too_long: |most| format!("비밀번호가 너무 깁니다. {most}자까지 쓸 수 있습니다."),
        password_common: "흔히 쓰이거나 아이디·이름과 비슷해 쉽게 알아낼 수 있는 비밀번호입니다. 다른 비밀번호를 정해 주세요.",
        passwords_differ: "두 비밀번호가 서로 다릅니다. 다시 입력해 주세요.",
        password_wrong: "비밀번호가 맞지 않습니다. 다시 입력해 주세요.",
    },
    confirm: ConfirmTexts {
        fresh: Titled {
            title: "비밀번호 확인",
            told: Told { what: "안전을 위해 본인인지 한 번 더 확인합니다.", todo: "비밀번호를 입력해 주세요." },
        },
        end_session: Titled {
            title: "기기 로그아웃",
            told: Told {
                what: "선택하신 기기에서 로그아웃합니다.", todo: "계속하려면 비밀번호를 입력해 주세요."
            },
        },
        end_others: Titled {
            title: "다른 기기 로그아웃",
            told: Told {
                what: "지금 쓰고 계신 기기만 남기고 모두 로그아웃합니다.", todo: "계속하려면 비밀번호를 입력해 주세요."
            },
        },
        withdraw: Titled {
            title: "탈퇴하기",
            told: Told {
                what: "계정과 개인정보를 지우고 모든 기기에서 로그아웃합니다. 되돌릴 수 없습니다.",
                todo: "정말 탈퇴하시려면 비밀번호를 입력해 주세요.",
            },
        },
        change_member: Titled {
            title: "회원 정보 변경",
            told: Told {
                what: "다른 사람의 계정이나 로그인을 바꾸려고 합니다.", todo: "계속하려면 본인의 비밀번호를 입력해 주세요."
            },
        },
        remove_member: Titled {
            title: "회원 삭제",
            told: Told {
                what: "이 회원의 계정과 개인정보를 지우고 모든 기기에서 로그아웃합니다. 되돌릴 수 없습니다.",
                todo: "정말 삭제하려면 본인의 비밀번호를 입력해 주세요.",
            },
        },
    },
};
