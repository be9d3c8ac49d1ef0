mod account;
mod admin;

use super::{
    Labels, LoginErrors, LoginTexts, LogoutTexts, MeTexts, Messages, Refusals, Refused, ShellTexts, Texts, Times, Titled, Told, Whys,
};

pub(super) static TEXTS: Texts = Texts {
    shell: ShellTexts {
        other_language: "English",
        contact: "문의",
        request: "요청 번호",
        request_hint: "문의하실 때 이 번호를 함께 알려 주시면 더 빨리 도와드릴 수 있습니다.",
    },
    label: Labels {
        go_on: "계속하기",
        log_in: "로그인하기",
        log_in_as_other: "다른 계정으로 로그인",
        log_in_in_new_tab: "새 탭에서 로그인",
        log_out: "로그아웃",
        home: "처음 화면으로",
        retry: "다시 시도",
        account: "내 계정",
        back: "돌아가기",
    },
    login: LoginTexts {
        title: "로그인",
        title_failed: "로그인하지 못했습니다",
        lead: "계속하려면 로그인해 주세요.",
        notice: "안내",
        account_system: "사용하는 계정",
        choose_system: "어떤 계정으로 로그인하시겠어요?",
        not_answering: "지금 응답 없음",
        not_answering_hint: "계정 서버가 지금 응답하지 않아 로그인이 안 될 수 있습니다. 이미 로그인하신 기기에서는 그대로 이용하실 수 있습니다.",
        id: "아이디",
        password: "비밀번호",
        remember: "로그인 상태 유지",
        remember_hint: "여럿이 쓰는 컴퓨터에서는 선택하지 마세요.",
        submit: "로그인",
        no_account: "아직 계정이 없으신가요?",
        sign_up: "회원 가입",
        signed_in_as: |who| format!("지금은 {who} 계정으로 로그인되어 있습니다. 다른 계정으로 로그인하면 이 기기의 계정이 바뀝니다."),
    },
    why: Whys {
        invalid: Told {
            what: "오류: 유효하지 않은 접근입니다!", todo: "로그인 정보를 확인할 수 없었습니다. 다시 로그인해 주세요."
        },
        no_session: Told {
            what: "오류: refresh 토큰이 존재하지 않습니다!",
            todo: "이 기기의 로그인 기록을 찾을 수 없습니다. 다시 로그인해 주세요.",
        },
        expired: Told {
            what: "모든 토큰이 만료되어 재로그인이 필요합니다!",
            todo: "로그인한 지 오래되어 안전을 위해 종료했습니다. 다시 로그인하시면 보시던 화면으로 돌아갑니다.",
        },
        elsewhere: Told {
            what: "다른 기기에서 이 로그인을 종료했습니다.",
            todo: "직접 하신 일이 아니라면, 로그인하신 뒤 바로 비밀번호를 바꿔 주세요.",
        },
        administrator: Told {
            what: "관리자가 이 로그인을 종료했습니다.",
            todo: "다시 로그인해 주세요. 로그인할 수 없다면 관리자에게 문의해 주세요.",
        },
        theft: Told {
            what: "다른 사람이 이 로그인을 사용하려 한 것으로 보여 종료했습니다.",
            todo: "다시 로그인하신 뒤 비밀번호를 바꿔 주세요. 짚이는 일이 없다면 관리자에게 알려 주세요.",
        },
        too_many: Told {
            what: "로그인한 기기가 너무 많아 가장 오래된 로그인을 종료했습니다.",
            todo: "이 기기에서 계속하려면 다시 로그인해 주세요.",
        },
        password_changed: Told {
            what: "비밀번호가 바뀌어 이 기기에서 로그아웃되었습니다.",
            todo: "새 비밀번호로 로그인해 주세요. 직접 바꾸신 것이 아니라면 바로 관리자에게 알려 주세요.",
        },
        disabled: Told {
            what: "사용이 중지된 계정이어서 로그인을 종료했습니다.", todo: "다시 사용하려면 관리자에게 문의해 주세요."
        },
    },
    login_error: LoginErrors {
        missing: Told { what: "ID와 비밀번호를 입력해주세요.", todo: "두 칸을 모두 채운 뒤 다시 눌러 주세요." },
        refused: Told {
            what: "로그인 실패: 알 수 없는 오류", todo: "아이디와 비밀번호를 확인하고 다시 시도해 주세요."
        },
        refused_todo: "위 안내를 확인하신 뒤 다시 시도해 주세요.",
        wrong: Told {
            what: "아이디 또는 비밀번호가 맞지 않습니다.", todo: "한/영 전환과 Caps Lock을 확인하고 다시 입력해 주세요."
        },
        throttled: Told {
            what: "로그인 시도가 너무 많았습니다.", todo: "계정을 보호하기 위해 잠시 로그인을 멈췄습니다."
        },
        disabled: Told {
            what: "사용이 중지된 계정입니다.", todo: "다시 사용하려면 관리자에게 문의해 주세요."
        },
        awaiting_approval: Told {
            what: "아직 승인을 기다리는 계정입니다.", todo: "관리자가 승인하면 바로 로그인하실 수 있습니다."
        },
        unreachable: Told {
            what: "외부 API 요청 중 오류 발생: 계정 서버에 연결하지 못했습니다.",
            todo: "비밀번호가 틀린 것은 아닙니다. 잠시 뒤 다시 시도해 주세요.",
        },
        timed_out: Told {
            what: "외부 API 요청 중 오류 발생: 계정 서버가 제때 응답하지 않았습니다.",
            todo: "비밀번호가 틀린 것은 아닙니다. 잠시 뒤 다시 시도해 주세요.",
        },
        not_understood: Told {
            what: "외부 API 요청 중 오류 발생: 계정 서버의 응답을 이해할 수 없습니다.",
            todo: "비밀번호가 틀린 것은 아닙니다. 잠시 뒤에도 같다면 아래 요청 번호와 함께 문의해 주세요.",
        },
        overloaded: Told {
            what: "외부 API 요청 중 오류 발생: 지금 로그인하는 사람이 많아 계정 서버가 붐빕니다.",
            todo: "비밀번호가 틀린 것은 아닙니다. 1분쯤 뒤에 다시 시도해 주세요.",
        },
        cross_site: Told {
            what: "다른 사이트의 화면에서 보낸 로그인이라 받지 않았습니다.",
            todo: "주소창의 주소가 맞는지 확인하고, 이 화면에서 다시 로그인해 주세요.",
        },
        unavailable: Told {
            what: "지금은 로그인을 처리할 수 없습니다.",
            todo: "잠시 뒤 다시 시도해 주세요. 계속되면 아래 요청 번호와 함께 문의해 주세요.",
        },
    },
    logout: LogoutTexts {
        title: "로그아웃",
        question: "이 기기에서 로그아웃하시겠어요?",
        signed_in_as: "로그인한 계정",
        here: "로그아웃",
        here_only: "이 기기에서 로그아웃",
        everywhere: "모든 기기에서 로그아웃",
        stay: "로그인 유지하기",
        done_title: "로그아웃되었습니다",
        done: "이 기기의 로그인을 안전하게 종료했습니다.",
        done_everywhere: "모든 기기의 로그인을 안전하게 종료했습니다.",
        shared_computer: "여럿이 쓰는 컴퓨터라면 브라우저 창도 모두 닫아 주세요.",
    },
    me: MeTexts {
        title: "내 로그인 정보",
        lead: "이 브라우저에 로그인된 계정입니다.",
        id: "아이디",
        name: "이름",
        email: "이메일",
        groups: "그룹",
        role: "역할",
        member: "회원",
        admin: "관리자",
        provider: "계정 종류",
        token_ends: "토큰 만료",
        token_hint: "이용하시는 동안 자동으로 연장됩니다.",
        session_ends: "로그인 만료",
    },
    message: Messages {
        notice: Titled {
            title: "로그인되었습니다",
            told: Told {
                what: "계정 서버에서 다음과 같이 알려 왔습니다.", todo: "내용을 확인하신 뒤 계속해 주세요."
            },
        },
        after: Titled {
            title: "로그인되었습니다",
            told: Told {
                what: "지난번 로그인은 다음과 같은 이유로 종료되었습니다.",
                todo: "직접 하신 일이 아니라면 비밀번호를 바꾸고 관리자에게 알려 주세요.",
            },
        },
        other_tab: Titled {
            title: "로그인되었습니다",
            told: Told {
                what: "이 탭은 닫으셔도 됩니다.", todo: "작성하시던 탭으로 돌아가 새로 고침을 눌러 다시 보내 주세요."
            },
        },
        signed_up: Titled {
            title: "가입이 끝났습니다",
            told: Told {
                what: "계정을 만들었습니다.", todo: "방금 정하신 아이디와 비밀번호로 로그인해 주세요."
            },
        },
        awaiting_approval: Titled {
            title: "가입 신청을 받았습니다",
            told: Told {
                what: "관리자가 확인하고 승인하면 계정을 쓰실 수 있습니다.", todo: "승인된 뒤에 로그인해 주세요."
            },
        },
        password_changed: Titled {
            title: "비밀번호를 바꿨습니다",
            told: Told {
                what: "다른 기기의 로그인은 안전을 위해 모두 종료했습니다.",
                todo: "다른 기기에서는 새 비밀번호로 다시 로그인해 주세요.",
            },
        },
        password_reset: Titled {
            title: "비밀번호를 새로 정했습니다",
            told: Told {
                what: "모든 기기에서 로그아웃했고, 이 링크는 더 이상 쓸 수 없습니다.", todo: "새 비밀번호로 로그인해 주세요."
            },
        },
        sign_up_closed: Titled {
            title: "회원 가입을 받지 않습니다",
            told: Told {
                what: "이곳의 계정은 관리자가 만들어 드립니다.", todo: "계정이 필요하시면 관리자에게 문의해 주세요."
            },
        },
        session_ended: Titled {
            title: "로그인을 종료했습니다",
            told: Told {
                what: "선택하신 기기에서 바로 로그아웃되었습니다.", todo: "모르는 기기였다면 비밀번호도 바꿔 주세요."
            },
        },
        others_ended: Titled {
            title: "다른 기기에서 모두 로그아웃했습니다",
            told: Told {
                what: "지금 쓰고 계신 기기만 로그인되어 있습니다.", todo: "모르는 기기가 있었다면 비밀번호도 바꿔 주세요."
            },
        },
        withdrawn: Titled {
            title: "탈퇴가 끝났습니다",
            told: Told {
                what: "계정과 개인정보를 지우고 모든 기기에서 로그아웃했습니다.", todo: "그동안 이용해 주셔서 고맙습니다."
            },
        },
        link_used_up: Titled {
            title: "더 이상 쓸 수 없는 링크입니다",
            told: Told {
                what: "이미 사용했거나 기한이 지난 링크입니다.", todo: "관리자에게 새 링크를 요청해 주세요."
            },
        },
    },
    refusal: Refusals {
        bad_request: Refused {
            title: "처리할 수 없는 요청입니다",
            what: "주소나 보내신 내용에 안전하게 전달할 수 없는 부분이 있어 여기에서 멈췄습니다.",
            todo: "주소를 다시 확인하시거나, 이전 화면으로 돌아가 다시 시도해 주세요.",
            steps: &[],
        },
        redirect_loop: Refused {
            title: "로그인이 이어지지 않습니다",
            what: "로그인은 되었지만 브라우저가 로그인 쿠키를 되돌려 보내지 않아, 같은 화면만 되풀이되고 있었습니다.",
            todo: "아래를 차례로 확인한 뒤 다시 로그인해 주세요.",
            steps: &[
                "브라우저 설정에서 이 사이트의 쿠키가 차단되어 있지 않은지 확인해 주세요.",
                "주소가 https://로 시작하는지 확인해 주세요.",
                "다른 사이트나 앱 안에서 열린 화면이라면 브라우저에서 주소를 직접 열어 주세요.",
                "기기의 날짜와 시각이 맞는지 확인해 주세요.",
                "그래도 안 되면 이 사이트의 쿠키를 지우거나 다른 브라우저로 열어 주세요.",
            ],
        },
        form_not_sent: Refused {
            title: "작성하신 내용이 전송되지 않았습니다",
            what: "보내시는 사이에 로그인이 만료되어, 내용을 전달하지 않고 여기에서 멈췄습니다.",
            todo: "이 탭을 닫지 마시고 다음 순서로 다시 보내 주세요.",
            steps: &[
                "아래 단추로 새 탭에서 로그인합니다.",
                "이 탭으로 돌아와 새로 고침을 누릅니다.",
                "다시 보낼지 묻는 창이 나오면 계속하기를 고릅니다. 묻지 않으면 이전 화면으로 돌아가 다시 보내 주세요.",
            ],
        },
        not_allowed: Refused {
            title: "이 페이지를 이용할 권한이 없습니다",
            what: "로그인은 되어 있지만, 이 계정에는 이 페이지가 열려 있지 않습니다.",
            todo: "권한이 있는 계정이 따로 있다면 그 계정으로 로그인해 주세요. 이 계정으로 들어갈 수 있어야 한다면 관리자에게 문의해 주세요.",
            steps: &[],
        },
        cross_site: Refused {
            title: "다른 사이트에서 보낸 요청입니다",
            what: "다른 사이트의 화면이 회원님 대신 보낸 요청으로 보여 처리하지 않았습니다.",
            todo: "직접 하시려던 일이라면 이 사이트의 화면을 열어 다시 시도해 주세요.",
            steps: &[],
        },
        not_encrypted: Refused {
            title: "암호화되지 않은 연결입니다",
            what: "http:// 주소로 내용을 보내셔서 받지 않았습니다.",
            todo: "주소를 https://로 바꾸어 다시 시도해 주세요. 비밀번호를 보내셨다면 바꾸시는 것이 안전합니다.",
            steps: &[],
        },
        not_found: Refused {
            title: "페이지를 찾을 수 없습니다",
            what: "이 주소에는 연결된 페이지가 없습니다.",
            todo: "주소에 잘못 쓴 글자가 없는지 확인하시거나, 처음 화면에서 다시 찾아 주세요.",
            steps: &[],
        },
        method_not_allowed: Refused {
            title: "여기에서는 할 수 없는 요청입니다",
            what: "이 주소는 이런 방식의 요청을 받지 않습니다.",
            todo: "이전 화면으로 돌아가 화면의 단추나 링크를 이용해 주세요.",
            steps: &[],
        },
        too_slow: Refused {
            title: "요청이 끝까지 도착하지 않았습니다",
            what: "연결이 느리거나 끊겨 보내신 내용을 제때 다 받지 못했습니다.",
            todo: "네트워크 연결을 확인하고 다시 시도해 주세요.",
            steps: &[],
        },
        body_too_large: Refused {
            title: "보내신 내용이 너무 큽니다",
            what: "파일이나 글이 받을 수 있는 크기를 넘어 전달하지 않았습니다.",
            todo: "크기를 줄이거나 나누어 보내 주세요.",
            steps: &[],
        },
        address_too_long: Refused {
            title: "주소가 너무 깁니다",
            what: "주소가 받을 수 있는 길이를 넘었습니다.",
            todo: "검색 조건을 줄이거나, 처음 화면에서 다시 찾아 주세요.",
            steps: &[],
        },
        misdirected: Refused {
            title: "연결을 새로 맺어야 합니다",
            what: "브라우저가 다른 사이트와 맺은 연결로 이 주소를 요청했습니다.",
            todo: "새로 고침을 눌러 주세요. 그래도 같다면 브라우저를 완전히 닫았다가 다시 열어 주세요.",
            steps: &[],
        },
        too_many: Refused {
            title: "요청이 너무 많습니다",
            what: "짧은 시간에 요청이 많아 잠시 받지 않고 있습니다.",
            todo: "그 전에 다시 시도하면 더 오래 기다리실 수 있습니다.",
            steps: &[],
        },
        headers_too_large: Refused {
            title: "쿠키가 너무 많이 쌓였습니다",
            what: "브라우저가 함께 보낸 쿠키와 정보가 받을 수 있는 크기를 넘었습니다.",
            todo: "브라우저 설정에서 이 사이트의 쿠키를 지운 뒤 다시 열어 주세요.",
            steps: &[],
        },
        internal: Refused {
            title: "문제가 생겼습니다",
            what: "저희 쪽에서 예상하지 못한 오류가 나서 요청을 끝내지 못했습니다.",
            todo: "잠시 뒤 다시 시도해 주세요. 계속되면 아래 요청 번호와 함께 문의해 주세요.",
            steps: &[],
        },
        not_supported: Refused {
            title: "지원하지 않는 요청입니다",
            what: "브라우저나 프로그램이 여기에서 지원하지 않는 방식으로 요청을 보냈습니다.",
            todo: "브라우저를 최신 버전으로 업데이트하고 다시 시도해 주세요.",
            steps: &[],
        },
        upstream_failed: Refused {
            title: "서비스에 연결할 수 없습니다",
            what: "로그인에는 문제가 없지만, 열려던 서비스가 지금 응답하지 않습니다.",
            todo: "잠시 뒤 다시 시도해 주세요. 계속되면 아래 요청 번호와 함께 문의해 주세요.",
            steps: &[],
        },
        unavailable: Refused {
            title: "잠시 이용할 수 없습니다",
            what: "점검 중이거나 이용하는 사람이 많아 지금은 요청을 받을 수 없습니다.",
            todo: "잠시 뒤 다시 시도해 주세요.",
            steps: &[],
        },
        upstream_timed_out: Refused {
            title: "서비스의 응답이 너무 늦습니다",
            what: "열려던 서비스가 정해진 시간 안에 응답하지 않았습니다.",
            todo: "이미 처리되었을 수도 있으니, 다시 보내시기 전에 결과를 먼저 확인해 주세요.",
            steps: &[],
        },
        signed_in_as: |who| format!("로그인한 계정: {who}"),
        limit: |size| format!("한 번에 보낼 수 있는 크기: {size}"),
    },
    time: Times {
        again_at: |span, at| format!("{span} 뒤({at} 이후)에 다시 시도해 주세요."), left: |span| format!("{span} 남음")
    },
    account: account::ACCOUNT,
    admin: admin::ADMIN,
};
